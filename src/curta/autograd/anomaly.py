"""Finding the forward call whose backward function makes NaN, or raises."""

from __future__ import annotations

import sys
import traceback
import warnings
from pathlib import Path
from typing import Any, NamedTuple

from curta.autograd.state import STATE
from curta.errors import AutogradError, CurtaWarning

_PACKAGE = str(Path(__file__).parents[1])


class Origin(NamedTuple):
    """Where a node was made: the calls that led there, and the node that was being carried out, if any."""

    calls: str
    parent: Any


class Watch:
    """What a thread that looks for anomalies remembers."""

    def __init__(self, check_nan: bool) -> None:
        self.check_nan = check_nan
        #: the node whose gradients are being worked out
        self.running: Any = None

    def origin(self) -> Origin:
        """Of a node that is made now."""
        frames = [frame for frame in traceback.extract_stack(sys._getframe(2)) if _is_others(frame.filename)]
        return Origin("".join(traceback.format_list(frames)), self.running)

    def applied(self, node: Any, gradients: list[Any]) -> tuple[Any, ...]:
        """The gradients that a node gives; AutogradError for a NaN, after a warning that shows the forward call."""
        if STATE.graph is not None:  # what is only traced has no values
            return node.apply(gradients)
        before, self.running = self.running, node
        try:
            results: tuple[Any, ...] = node.apply(gradients)
            if self.check_nan:
                _check(node, results)
        except Exception as problem:
            told = _told(node)
            problem.add_note(told)
            warnings.warn(told, CurtaWarning, stacklevel=_distance())
            raise
        finally:
            self.running = before
        return results


def _distance() -> int:
    """How many calls away, from whoever asks, the nearest line outside of Curta is."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and not _is_others(frame.f_code.co_filename):
        frame, level = frame.f_back, level + 1
    return level


def _is_others(filename: str) -> bool:
    return not filename.startswith(_PACKAGE)


def _check(node: Any, results: tuple[Any, ...]) -> None:
    from curta import host

    for place, found in enumerate(results):
        if found is None or not found.layout.dtype.is_floating_point or not host.has_values(found):
            continue
        values = host.array(found.detach())
        if (values != values).any():
            raise AutogradError(f"Function '{node.name()}' returned nan values in its {place}th output.")


def _told(node: Any) -> str:
    """What is known of a node, and of the nodes that made it in a backward pass."""
    origin: Origin | None = getattr(node, "origin", None)
    if origin is None:
        return (
            f"Error detected in {node.name()}. No forward pass information available. Enable detect anomaly during "
            "forward pass for more information."
        )
    text = f"Error detected in {node.name()}. Traceback of forward call that caused the error:\n{origin.calls}"
    while origin is not None and origin.parent is not None:
        parent = origin.parent
        origin = getattr(parent, "origin", None)
        calls = "No forward pass information available.\n" if origin is None else origin.calls
        text += (
            f"\nPrevious calculation was induced by {parent.name()}. Traceback of forward call that induced the "
            f"previous calculation:\n{calls}"
        )
    return text


def set_anomaly_enabled(mode: bool, check_nan: bool = True) -> None:
    """Turn looking for anomalies on or off for this thread.

    >>> import curta
    >>> curta.set_anomaly_enabled(True)
    >>> curta.is_anomaly_enabled()
    True
    >>> curta.set_anomaly_enabled(False)
    """
    STATE.check_nan = bool(check_nan)
    STATE.watch(anomaly=Watch(bool(check_nan)) if mode else None)


def is_anomaly_enabled() -> bool:
    """Whether this thread looks for anomalies."""
    return STATE.anomaly is not None


def is_anomaly_check_nan_enabled() -> bool:
    """Whether looking for anomalies, when it is on, raises at a NaN."""
    return STATE.check_nan


class _Restoring:
    """Sets the mode as it was at its end."""

    def __init__(self) -> None:
        self._before = is_anomaly_enabled(), is_anomaly_check_nan_enabled()

    def __exit__(self, *exception: object) -> None:
        set_anomaly_enabled(*self._before)


class detect_anomaly(_Restoring):  # noqa: N801 - PyTorch's name
    """Inside, what a backward pass finds wrong is shown with the forward call that it comes from, and NaN is an error.

    Nodes made inside remember where; a backward pass inside looks at every gradient (with `check_nan`), which takes
    time. For this thread; what runs as a compiled program is looked at as a whole.

    >>> import curta, warnings
    >>> warnings.simplefilter("ignore")
    >>> with curta.autograd.detect_anomaly():
    ...     curta.tensor(-1.0, requires_grad=True).sqrt().backward()
    Traceback (most recent call last):
    curta.errors.AutogradError: Function 'SqrtBackward0' returned nan values in its 0th output.
    Error detected in SqrtBackward0. Traceback of forward call that caused the error:
    ...
    """

    def __init__(self, check_nan: bool = True) -> None:
        super().__init__()
        self.check_nan = check_nan
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for "
            "debugging.",
            CurtaWarning,
            stacklevel=2,
        )

    def __enter__(self) -> None:
        set_anomaly_enabled(True, self.check_nan)


class set_detect_anomaly(_Restoring):  # noqa: N801 - PyTorch's name
    """`detect_anomaly` on or off: at once when called, and until the end when used with `with`.

    >>> import curta
    >>> with curta.autograd.set_detect_anomaly(True):
    ...     curta.is_anomaly_enabled()
    True
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        super().__init__()
        set_anomaly_enabled(mode, check_nan)

    def __enter__(self) -> None:
        pass
