"""The two copies before a convolution's sums: images into planes that windows read at stride 1, weights turned over."""

from __future__ import annotations

from curta.compiler.code import Code, Value
from curta.compiler.matmul.convert import load_wide
from curta.compiler.matmul.emit import KERNEL_SIGNATURE, Module, call, parameter, shuffle, signature
from curta.compiler.matmul.spec import LLVM_TYPES
from curta.dtypes import DType

#: a change of the texts below changes their keys
REVISION = 3
#: how far elements may lie apart that are copied in vectors
VECTOR_STEPS = (1, 2)
#: int64s of `meta`: for each plane after them the place of its first element in the target and the source, and how
#: many rows and columns of it are not zeros
PLANES_FIELDS = (
    "channels", "source_image", "source_channel", "source_row", "source_column", "target_start", "target_image",
    "target_channel", "target_row", "zeros", "planes",
)  # fmt: skip
#: and here for each run of taps its offsets in the source and the target, how many they are, and how far in the target
#: those of the next filter lie
TURN_FIELDS = (
    "groups", "rows", "filters", "source_group", "source_row", "source_filter", "target_group", "target_row", "runs",
)  # fmt: skip


def planes_key(dtype: DType, target: DType, step: int, level: str, vector_bytes: int) -> str:
    return f"planes_{dtype.short}_{target.short}_{step or 'any'}_{level}_{vector_bytes}_r{REVISION}"


def turn_key(dtype: DType, target: DType, level: str, vector_bytes: int) -> str:
    return f"turn_{dtype.short}_{target.short}_{level}_{vector_bytes}_r{REVISION}"


class _Copy:
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

    def _load(self, source: Value, lanes: int) -> Value:
        if self.dtype is self.target:
            return self.code.load(source, "i16" if self.size == 2 else LLVM_TYPES[self.dtype.name], lanes)
        return load_wide(self.code, source, self.dtype, lanes, native_half=self.native_half)

    def from_place(self, pointer: Value, elements: Value) -> Value:
        return self.code.offset(pointer, elements * self.size)

    def to_place(self, pointer: Value, elements: Value) -> Value:
        return self.code.offset(pointer, elements * self.target_size)


def make_planes_kernel(dtype: DType, target: DType, step: int, level: str, vector_bytes: int) -> str:
    """Unit n * channels + c: one channel of one image into its planes, zeros where the image is not.

    `step` is how far the elements of a plane's row lie apart in the image, 0 that it may be anything.
    """
    module = Module(vector_bytes)
    _add_rows(module, dtype, target, step, level, vector_bytes // target.itemsize)
    code = Code()
    copy = _Copy(code, dtype, target, level)
    get = _fields(code, PLANES_FIELDS)
    source, made = _operands(code)
    with code.loop(parameter(code, "start"), parameter(code, "stop")) as unit:
        image = unit.index.unsigned_divide(get["channels"])
        channel = unit.index - image * get["channels"]
        from_image = copy.from_place(source, image * get["source_image"] + channel * get["source_channel"])
        place = get["target_start"] + image * get["target_image"] + channel * get["target_channel"]
        to_image = copy.to_place(made, place)
        bytes_of_zeros = get["zeros"] * copy.target_size
        code.declarations["llvm.memset.p0.i64"] = "declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)"
        code.effect(f"call void @llvm.memset.p0.i64(ptr {to_image.ref}, i8 0, i64 {bytes_of_zeros.ref}, i1 false)")
        with code.loop(0, get["planes"]) as plane:
            to, at, rows, columns = _entry(code, len(PLANES_FIELDS), plane.index, 4)
            call(code, "rows", [
                copy.from_place(from_image, at), get["source_row"], get["source_column"], copy.to_place(to_image, to),
                get["target_row"], rows, columns,
            ])  # fmt: skip
    key = planes_key(dtype, target, step, level, vector_bytes)
    module.add(key, code, KERNEL_SIGNATURE, private=False)
    return module.text()


def _add_rows(module: Module, dtype: DType, target: DType, step: int, level: str, lanes: int) -> None:
    """`rows`: rows of one plane, in vectors where they are as long as one."""
    code = Code()
    copy = _Copy(code, dtype, target, level)
    names = {
        "source": "ptr", "source_row": "i64", "source_column": "i64", "target": "ptr", "target_row": "i64",
        "rows": "i64", "columns": "i64",
    }  # fmt: skip
    get = {name: parameter(code, name, type_name) for name, type_name in names.items()}
    with code.loop(0, get["rows"]) as row:
        from_row = copy.from_place(get["source"], row.index * get["source_row"])
        to_row = copy.to_place(get["target"], row.index * get["target_row"])
        columns = get["columns"]
        whole = columns & -lanes if step else code.constant(0, "i64")
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
    module.add("rows", code, signature(**names))


def make_turn_kernel(dtype: DType, target: DType, level: str, vector_bytes: int) -> str:
    """Unit group * rows + c: target[group][c] from a weight [group, o][c][tap], run by run as [o][tap]."""
    module = Module(vector_bytes)
    code = Code()
    copy, lanes = _Copy(code, dtype, target, level), vector_bytes // target.itemsize
    get = _fields(code, TURN_FIELDS)
    source, made = _operands(code)
    with code.loop(parameter(code, "start"), parameter(code, "stop")) as unit:
        group = unit.index.unsigned_divide(get["rows"])
        row = unit.index - group * get["rows"]
        from_row = copy.from_place(source, group * get["source_group"] + row * get["source_row"])
        to_row = copy.to_place(made, group * get["target_group"] + row * get["target_row"])
        with code.loop(0, get["filters"]) as number:
            from_filter = copy.from_place(from_row, number.index * get["source_filter"])
            with code.loop(0, get["runs"]) as run:
                at, to, length, step = _entry(code, len(TURN_FIELDS), run.index, 4)
                first, made_at = copy.from_place(from_filter, at), copy.to_place(to_row, to + number.index * step)
                done = length & -lanes
                with code.loop(0, done, lanes) as tap:
                    copy.element(copy.from_place(first, tap.index), copy.to_place(made_at, tap.index), lanes)
                with code.loop(done, length) as tap:
                    copy.element(copy.from_place(first, tap.index), copy.to_place(made_at, tap.index))
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
