"""The order of a program's operators that takes the least memory.

A recorded training step updates its parameters at the end, when every gradient is there; an update that runs as soon as
it can lets go of its gradient. Where memory allows, the order is the recorded one, in which what is alike stands
together.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush

from curta.compiled import memory, reuse
from curta.compiled.graph import Node, ProgramGraph

#: how many limits are tried, each halving what is left between the best order so far and what one operator needs
ATTEMPTS = 6


def least_memory(graph: ProgramGraph) -> ProgramGraph:
    """The same program in the order, of those that are tried, whose fullest step has the fewest bytes alive."""
    needs = _Needs(graph.nodes)
    order, best = _Walk(needs).within(needs.all_bytes, needs.all_bytes)
    low = limit = needs.least_bytes
    for _ in range(ATTEMPTS):
        if low >= best:
            break
        tried, peak = _Walk(needs).within(limit, best - 1)
        if peak < best:
            order, best = tried, peak
        if peak > limit:
            low = limit + 1
        limit = (low + best) // 2
    tried, peak = _Walk(needs).within(best, best)  # nearer to the recorded order than one that was held to less
    return ProgramGraph(tuple(graph.nodes[place] for place in (tried if peak == best else order)), graph.outputs)


def peak_bytes(graph: ProgramGraph) -> int:
    """The bytes that are alive at the fullest step."""
    needs = _Needs(graph.nodes)
    return _Walk(needs).within(needs.all_bytes, needs.all_bytes)[1]


class _Needs:
    """What each node waits for and the memory it touches; nodes and buffers are numbers, in the recorded order."""

    def __init__(self, nodes: tuple[Node, ...]) -> None:
        self.waits, self.followers = _dependencies(nodes)
        self.sizes: list[int] = []
        self.users: list[list[int]] = []
        self.touched: list[list[int]] = []
        #: (operand, result) buffers that may be one
        self.takeovers: list[list[tuple[int, int]]] = []
        self.temporaries = [sum(memory.rounded(one.nbytes) for one in node.call.temporaries) for node in nodes]
        numbers: dict[int, int] = {}
        for place, node in enumerate(nodes):
            here = {id(ref.buffer): ref.buffer for ref in (*node.reads(), *node.results)}
            inside = [buffer for buffer in here.values() if buffer.kind == "internal"]
            for buffer in inside:
                if id(buffer) not in numbers:
                    numbers[id(buffer)] = len(self.sizes)
                    self.sizes.append(memory.rounded(buffer.nbytes))
                    self.users.append([])
                self.users[numbers[id(buffer)]].append(place)
            self.touched.append([numbers[id(buffer)] for buffer in inside])
            self.takeovers.append([(numbers[id(one)], numbers[id(two)]) for one, two in reuse.takeovers(node)])

    @property
    def all_bytes(self) -> int:
        """More than any order takes."""
        return sum(self.sizes) + sum(self.temporaries)

    @property
    def least_bytes(self) -> int:
        """Less than any order takes: what one node touches, if all that could be one is one."""
        return max(
            (
                sum(self.sizes[buffer] for buffer in touched) - sum(self.sizes[result] for _, result in pairs) + own
                for touched, pairs, own in zip(self.touched, self.takeovers, self.temporaries, strict=True)
            ),
            default=0,
        )


def _dependencies(nodes: tuple[Node, ...]) -> tuple[list[int], list[list[int]]]:
    """How many nodes each must wait for, and those that wait for it: who reads or writes what the other writes."""
    writer: dict[int, int] = {}
    readers: dict[int, list[int]] = {}
    waits: list[int] = []
    followers: list[list[int]] = [[] for _ in nodes]
    for place, node in enumerate(nodes):
        read = {id(ref.buffer) for ref in node.reads()}
        written = {id(ref.buffer) for ref in node.results}
        before = {writer[buffer] for buffer in read | written if buffer in writer}
        for buffer in written:
            before.update(readers.pop(buffer, ()))
            writer[buffer] = place
        for buffer in read - written:
            readers.setdefault(buffer, []).append(place)
        waits.append(len(before))
        for one in before:
            followers[one].append(place)
    return waits, followers


class _Walk:
    """One way through the nodes, with the memory that is alive on it."""

    def __init__(self, needs: _Needs) -> None:
        self._needs = needs
        self._waits = list(needs.waits)
        self._done = [False] * len(self._waits)
        self._alive = 0
        self._there = [False] * len(needs.sizes)
        #: how many nodes will still use a buffer, and the sum of their numbers: of the last one its number
        self._left = [len(users) for users in needs.users]
        self._whose = [sum(users) for users in needs.users]
        self._ready = [place for place, count in enumerate(self._waits) if not count]
        self._freeing: list[tuple[int, int]] = []

    def within(self, limit: int, most: int) -> tuple[list[int], int]:
        """The recorded order as long as it keeps to the limit, otherwise first what frees the most; and its peak.

        It ends where more than `most` bytes are alive: the peak is then more than that, too.
        """
        heapify(self._ready)
        for place in self._ready:
            self._look_at(place)
        order: list[int] = []
        highest = 0
        while self._ready and highest <= most:
            place = self._ready[0]
            if self._done[place]:
                heappop(self._ready)
                continue
            taken = self._taken(place)
            if self._alive + taken > limit:
                place = self._best_freeing(place)
                taken = self._taken(place)
            highest = max(highest, self._alive + taken)
            order.append(place)
            self._run(place)
        return order, highest

    def _taken(self, place: int) -> int:
        """The bytes that a node takes when it starts."""
        needs, left, there = self._needs, self._left, self._there
        taken = needs.temporaries[place] + sum(needs.sizes[one] for one in needs.touched[place] if not there[one])
        if needs.takeovers[place]:
            gone: set[int] = set()
            for operand, result in needs.takeovers[place]:
                if left[operand] == 1 and not there[result] and not gone & {operand, result}:
                    gone |= {operand, result}
                    taken -= needs.sizes[result]
        return taken

    def _change(self, place: int) -> int:
        """The bytes that are alive after a node, less those before it."""
        sizes, left, there = self._needs.sizes, self._left, self._there
        return sum(sizes[one] * ((not there[one]) - (left[one] == 1)) for one in self._needs.touched[place])

    def _look_at(self, place: int) -> None:
        """Note a node that is ready and frees more than it takes."""
        change = self._change(place)
        if change < 0:
            heappush(self._freeing, (change, place))

    def _best_freeing(self, otherwise: int) -> int:
        while self._freeing:
            change, place = heappop(self._freeing)
            if not self._done[place] and change == self._change(place):
                return place
        return otherwise

    def _run(self, place: int) -> None:
        self._alive += self._change(place)
        self._done[place] = True
        changed: set[int] = set()
        for buffer in self._needs.touched[place]:
            if not self._there[buffer]:
                self._there[buffer] = True
                changed.update(self._needs.users[buffer])
            self._left[buffer] -= 1
            self._whose[buffer] -= place
            if self._left[buffer] == 1:
                changed.add(self._whose[buffer])
        for follower in self._needs.followers[place]:
            self._waits[follower] -= 1
            if not self._waits[follower]:
                heappush(self._ready, follower)
                changed.add(follower)
        for one in changed:
            if not self._waits[one] and not self._done[one]:
                self._look_at(one)
