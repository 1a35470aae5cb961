"""The two copies before a convolution's sums: images into planes that windows read at stride 1, weights turned over."""

from __future__ import annotations

from curta.compiler.code import Code, Value
from curta.compiler.matmul.convert import load_wide, widen
from curta.compiler.matmul.emit import (
    KERNEL_SIGNATURE,
    Module,
    blocks,
    call,
    lane_mask,
    masked_load,
    masked_store,
    parameter,
    shuffle,
    signature,
    smaller,
)  # fmt: skip
from curta.compiler.matmul.spec import LLVM_TYPES
from curta.dtypes import DType

#: a change of the texts below changes their keys
REVISION = 6
#: how far elements may lie apart that are copied in vectors
VECTOR_STEPS = (1, 2)
#: channels and filters of a weight turned over at once, which the first cache holds for all runs of taps
ROWS_TOGETHER, FILTERS_TOGETHER = 16, 16
#: bytes of taps copied at once: a run of them is short
RUN_BYTES = 16
#: int64s of `meta`: channels and images are counted as `outer` and `inner`, either first. For each plane after them the
#: place of its corner in the target and of its first element in the source, how many rows and columns of it are the
#: image's, and how many rows of zeros are above and below these, and columns on either side
PLANES_FIELDS = (
    "inner", "source_outer", "source_inner", "source_row", "source_column", "target_start", "target_outer",
    "target_inner", "target_row", "planes",
)  # fmt: skip
PLANE_WORDS = 8
#: and here for each run of taps its offsets in the source and the target, how many they are, and how far in the target
#: those of the next filter lie
TURN_FIELDS = (
    "groups", "rows", "filters", "source_group", "source_row", "source_filter", "target_group", "target_row", "runs",
)  # fmt: skip


def planes_key(dtype: DType, target: DType, step: int, level: str, vector_bytes: int) -> str:
    return f"planes_{dtype.short}_{target.short}_{step or 'any'}_{level}_{vector_bytes}_r{REVISION}"


def turn_key(dtype: DType, target: DType, level: str, vector_bytes: int) -> str:
    return f"turn_{dtype.short}_{target.short}_{level}_{vector_bytes}_r{REVISION}"


class Copy:
    """Loads from the one format and stores in the other."""

    def __init__(self, code: Code, dtype: DType, target: DType, level: str) -> None:
        self.code = code
        self.dtype, self.size = dtype, dtype.itemsize
        self.target, self.target_size = target, target.itemsize
        self.native_half = level != "portable"

    def element(self, source: Value, target: Value, lanes: int = 1, step: int = 1) -> None:
        """So many elements, `step` (1 or 2) of the source apart; nothing behind the last one is read."""
        value = self._load(source, lanes)
        if lanes > 1 and step == 2:
            behind = self._load(self.from_place(source, self.code.constant(lanes - 1, "i64")), lanes)
            value = shuffle(self.code, value, behind, [*range(0, lanes, 2), *range(lanes + 1, 2 * lanes, 2)])
        self.code.store(value, target)

    def zeros(self, target: Value, first: Value, last: Value) -> None:
        """Zeros from element `first` to `last`: there are few."""
        with self.code.loop(first, last) as place:
            zero = self.code.constant(0, self.target_type)
            self.code.store(zero, self.to_place(target, place.index))

    def runs(
        self, source: Value, target: Value, count: Value, steps: tuple[Value, Value], length: Value | None
    ) -> None:
        """So many runs of neighbours, `steps` elements apart in the source and the target; None is a length of 1."""
        code, lanes = self.code, RUN_BYTES // self.target_size
        with code.loop(0, count, carried=[source, target]) as number:
            first, made = number.carried
            if length is None:
                self.element(first, made)
            else:
                whole = length & -lanes
                for begin, end, some in ((code.constant(0, "i64"), whole, lanes), (whole, length, 1)):
                    with code.loop(begin, end, some) as place:
                        self.element(self.from_place(first, place.index), self.to_place(made, place.index), some)
            number.carried_out = [self.from_place(first, steps[0]), self.to_place(made, steps[1])]

    def _load(self, source: Value, lanes: int) -> Value:
        if self.dtype is self.target:
            return self.code.load(source, self.target_type, lanes)
        return load_wide(self.code, source, self.dtype, lanes, native_half=self.native_half)

    def masked(self, source: Value, mask: Value) -> Value:
        """The elements where `mask` is true, as they are; zeros elsewhere."""
        return masked_load(self.code, source, mask, "i16" if self.size == 2 else LLVM_TYPES[self.dtype.name])

    def widened(self, value: Value) -> Value:
        """What `masked` loads in the target's format."""
        if self.dtype is self.target:
            return value
        return widen(value, self.dtype, native_half=self.native_half)

    @property
    def target_type(self) -> str:
        """LLVM's name of the target's format; halves are copied as integers."""
        return "i16" if self.target_size == 2 else LLVM_TYPES[self.target.name]

    def from_place(self, pointer: Value, elements: Value | int) -> Value:
        return self.code.offset(pointer, elements * self.size)

    def to_place(self, pointer: Value, elements: Value) -> Value:
        return self.code.offset(pointer, elements * self.target_size)


def make_planes_kernel(dtype: DType, target: DType, step: int, level: str, vector_bytes: int) -> str:
    """Unit outer * inners + inner: one channel of one image into its planes, zeros where the image is not.

    `step` is how far the elements of a plane's row lie apart in the image, 0 that it may be anything.
    """
    module = Module(vector_bytes)
    add_rows(module, dtype, target, step, level, vector_bytes // target.itemsize)
    code = Code()
    copy = Copy(code, dtype, target, level)
    get = _fields(code, PLANES_FIELDS)
    source, made = _operands(code)
    with code.loop(parameter(code, "start"), parameter(code, "stop")) as unit:
        outer = unit.index.unsigned_divide(get["inner"])
        inner = unit.index - outer * get["inner"]
        from_image = copy.from_place(source, outer * get["source_outer"] + inner * get["source_inner"])
        place = get["target_start"] + outer * get["target_outer"] + inner * get["target_inner"]
        to_image = copy.to_place(made, place)
        with code.loop(0, get["planes"]) as plane:
            to, at, *counts = _entry(code, len(PLANES_FIELDS), plane.index, PLANE_WORDS)
            call(code, "rows", [
                copy.from_place(from_image, at), get["source_row"], get["source_column"], copy.to_place(to_image, to),
                get["target_row"], *counts,
            ])  # fmt: skip
    key = planes_key(dtype, target, step, level, vector_bytes)
    module.add(key, code, KERNEL_SIGNATURE, private=False)
    return module.text()


def add_rows(module: Module, dtype: DType, target: DType, step: int, level: str, lanes: int) -> None:
    """`rows`: rows of one plane and the zeros around them, in vectors where elements lie 1 or 2 apart."""
    code = Code()
    copy = Copy(code, dtype, target, level)
    names = {
        "source": "ptr", "source_row": "i64", "source_column": "i64", "target": "ptr", "target_row": "i64",
        "rows": "i64", "columns": "i64", "above": "i64", "below": "i64", "left": "i64", "right": "i64",
    }  # fmt: skip
    get = {name: parameter(code, name, type_name) for name, type_name in names.items()}
    if step and lanes * target.itemsize == 64:
        _copy_masked(copy, get, step, lanes)
    else:
        _copy_whole(copy, get, step, lanes)
    module.add("rows", code, signature(**names))


def _copy_masked(copy: Copy, get: dict[str, Value], step: int, lanes: int) -> None:
    """Vector by vector along a row, each for all rows: what is the image's is loaded, and zeros beside it."""
    code, wide = copy.code, get["left"] + get["columns"] + get["right"]
    with code.loop(0, wide, lanes) as column:
        # of the vector's lanes those from `first` on, and before `last`, are the image's
        first, last = get["left"] - column.index, get["left"] + get["columns"] - column.index
        masks = [
            lane_mask(code, last * step - (step - 1) - part * lanes, lanes)
            & ~lane_mask(code, first * step - part * lanes, lanes)
            for part in range(step)
        ]
        kept = lane_mask(code, wide - column.index, lanes)
        place = copy.to_place(get["target"], column.index)
        row_bytes = get["target_row"] * copy.target_size
        zeros = code.constant(0, copy.target_type, lanes)
        for begin, count in ((0, get["above"]), (get["above"] + get["rows"], get["below"])):
            with code.loop(begin, begin + count) as row:
                masked_store(code, zeros, code.offset(place, row.index * row_bytes), kept)
        source = copy.from_place(get["source"], first * -step)
        carried = [source, code.offset(place, get["above"] * row_bytes)]
        with code.loop(0, get["rows"], carried=carried) as row:
            from_row, to_row = row.carried
            parts = [copy.masked(copy.from_place(from_row, number * lanes), mask) for number, mask in enumerate(masks)]
            value = parts[0] if step == 1 else shuffle(code, parts[0], parts[1], range(0, 2 * lanes, 2))
            masked_store(code, copy.widened(value), to_row, kept)
            row.carried_out = [copy.from_place(from_row, get["source_row"]), code.offset(to_row, row_bytes)]


def _copy_whole(copy: Copy, get: dict[str, Value], step: int, lanes: int) -> None:
    """Row by row, in vectors where it is as long as one."""
    code = copy.code
    columns, zero, behind = get["columns"], code.constant(0, "i64"), get["left"] + get["columns"]
    for first, count in ((zero, get["above"]), (get["above"] + get["rows"], get["below"])):
        with code.loop(first, first + count) as row:
            copy.zeros(copy.to_place(get["target"], row.index * get["target_row"]), zero, behind + get["right"])
    with code.loop(0, get["rows"]) as row:
        from_row = copy.from_place(get["source"], row.index * get["source_row"])
        whole_row = copy.to_place(get["target"], (row.index + get["above"]) * get["target_row"])
        copy.zeros(whole_row, zero, get["left"])
        copy.zeros(whole_row, behind, behind + get["right"])
        to_row = copy.to_place(whole_row, get["left"])
        whole = columns & -lanes if step else zero
        with code.loop(0, whole, lanes) as column:
            from_vector = copy.from_place(from_row, column.index * step)
            copy.element(from_vector, copy.to_place(to_row, column.index), lanes, step)
        # what is left as the vector that ends where the row does, over what the one before it has made
        with code.when(whole.gt(0) & whole.lt(columns)):
            first = columns - lanes
            copy.element(copy.from_place(from_row, first * step), copy.to_place(to_row, first), lanes, step)
        with code.when(whole.eq(0)), code.loop(0, columns) as column:
            at = column.index * get["source_column"]
            copy.element(copy.from_place(from_row, at), copy.to_place(to_row, column.index))


def make_turn_kernel(dtype: DType, target: DType, level: str, vector_bytes: int) -> str:
    """Unit group * blocks + b: target[group][c] from a weight [group, o][c][tap], run by run as [o][tap], for block
    number b of a few neighbouring channels: what is read for one lies beside what is read for the next."""
    module = Module(vector_bytes)
    code = Code()
    copy = Copy(code, dtype, target, level)
    get = _fields(code, TURN_FIELDS)
    source, made = _operands(code)
    per_group = blocks(get["rows"], ROWS_TOGETHER)
    with code.loop(parameter(code, "start"), parameter(code, "stop")) as unit:
        group = unit.index.unsigned_divide(per_group)
        first = (unit.index - group * per_group) * ROWS_TOGETHER
        rows = first, smaller(first + ROWS_TOGETHER, get["rows"])
        from_group = copy.from_place(source, group * get["source_group"])
        to_group = copy.to_place(made, group * get["target_group"])
        with code.loop(0, get["filters"], FILTERS_TOGETHER) as some, code.loop(0, get["runs"]) as run:
            at, to, length, step = _entry(code, len(TURN_FIELDS), run.index, 4)
            at, to = at + some.index * get["source_filter"], to + some.index * step
            count = smaller(get["filters"] - some.index, FILTERS_TOGETHER)
            with code.loop(*rows) as row:
                places = (
                    copy.from_place(from_group, at + row.index * get["source_row"]),
                    copy.to_place(to_group, to + row.index * get["target_row"]),
                )
                # most runs are of a single tap where the stride is not 1: no loop for each
                with code.when(length.eq(1)):
                    copy.runs(*places, count, (get["source_filter"], step), None)
                with code.when(length.ne(1)):
                    copy.runs(*places, count, (get["source_filter"], step), length)
    key = turn_key(dtype, target, level, vector_bytes)
    module.add(key, code, KERNEL_SIGNATURE, private=False)
    return module.text()


def _fields(code: Code, names: tuple[str, ...]) -> dict[str, Value]:
    meta = parameter(code, "meta", "ptr")
    return {name: code.load(code.offset(meta, 8 * place), "i64", align=8) for place, name in enumerate(names)}


def _operands(code: Code) -> list[Value]:
    arguments = parameter(code, "args", "ptr")
    return [code.load(code.offset(arguments, 8 * place), "ptr", align=8) for place in range(2)]


def _entry(code: Code, first: int, number: Value, words: int) -> list[Value]:
    """The words of entry `number` in the table that begins at word `first` of `meta`."""
    entry = code.offset(parameter(code, "meta", "ptr"), number * words + first, "i64")
    return [code.load(code.offset(entry, 8 * word), "i64", align=8) for word in range(words)]
