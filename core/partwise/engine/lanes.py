"""How does a loop of known width use whole vector registers?

The compiler's own vectoriser wants long loops. The sums over a sparse row are
short, one number per part, so their registers are laid out here by hand: eight
lanes each, kept over the whole row. The last register may overlap the one
before it, which costs nothing and spares a remainder loop.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types as _types
from numba.core import cgutils as _cgutils
from numba.extending import intrinsic

__all__ = [
    "LANES", "MOST", "STRIDE", "newton_sums", "row_add_1", "row_add_2", "row_add_3", "row_add_4",
    "row_sum_1", "row_sum_2", "row_sum_3", "row_sum_4",
]  # fmt: skip

cgutils: Any = _cgutils  # numba carries no types
types: Any = _types
LANES = 8
STRIDE = 16  # `newton_sums` takes lengths that are multiples of this
MOST = 4  # registers at most in one call
_FLAGS = ("contract", "reassoc", "nsz")


def _row_sum_of(count: int) -> Any:
    """Return a function that sums `count` registers of parts over one sparse row."""

    @intrinsic
    def summed(
        typing: Any,
        data: Any,
        indices: Any,
        factor: Any,
        begin: Any,
        end: Any,
        first: Any,
        last: Any,
        out: Any,
        row: Any,
    ) -> Any:
        size = types.intp
        signature = types.void(data, indices, factor, size, size, size, size, out, size)

        def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            arrays = [
                context.make_array(sig.args[at])(context, builder, args[at]) for at in (0, 1, 2, 7)
            ]
            values, where, table, target = arrays
            begins, ends, starts, final, line = (args[at] for at in (3, 4, 5, 6, 8))
            kind = context.get_value_type(sig.args[7].dtype)
            stored = context.get_value_type(sig.args[2].dtype)
            wide = ir.VectorType(kind, LANES)
            narrow = ir.VectorType(stored, LANES)
            whole = ir.IntType(64)
            offsets = [
                builder.add(starts, ir.Constant(whole, LANES * at)) for at in range(count - 1)
            ]
            offsets.append(final)
            # Two sets of registers in turn, so that no sum waits for the one before it.
            sums, others = (
                [cgutils.alloca_once_value(builder, ir.Constant(wide, None)) for _ in range(count)]
                for _ in range(2)
            )

            def spread(number: Any) -> Any:
                empty = ir.Constant(wide, ir.Undefined)
                one = builder.insert_element(empty, number, ir.Constant(ir.IntType(32), 0))
                zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), None)
                return builder.shuffle_vector(one, empty, zeros)

            def address(array: Any, at: Any, vector: Any) -> Any:
                return builder.bitcast(builder.gep(array.data, [at]), vector.as_pointer())

            stride = builder.extract_value(table.shape, 1)

            def add(at: Any, totals: list[Any]) -> None:
                x = builder.load(builder.gep(values.data, [at]))
                if x.type != kind:
                    x = builder.fpext(x, kind)
                x = spread(x)
                column = builder.load(builder.gep(where.data, [at]))
                if column.type != whole:
                    column = builder.sext(column, whole)
                base = builder.mul(column, stride)
                for offset, total in zip(offsets, totals, strict=True):
                    f = builder.load(address(table, builder.add(base, offset), narrow))
                    f.align = 4
                    if stored != kind:
                        f = builder.fpext(f, wide)
                    product = builder.fmul(x, f, flags=_FLAGS)
                    builder.store(builder.fadd(builder.load(total), product, flags=_FLAGS), total)

            one = ir.Constant(whole, 1)
            pairs = builder.sub(ends, builder.and_(builder.sub(ends, begins), one))
            with cgutils.for_range_slice(builder, begins, pairs, ir.Constant(whole, 2)) as (at, _):
                add(at, sums)
                add(builder.add(at, one), others)
            with cgutils.for_range_slice(builder, pairs, ends, one) as (at, _):
                add(at, sums)
            line_start = builder.mul(line, builder.extract_value(target.shape, 1))
            for offset, total, other in zip(offsets, sums, others, strict=True):
                place = address(target, builder.add(line_start, offset), wide)
                found = builder.fadd(builder.load(total), builder.load(other), flags=_FLAGS)
                builder.store(found, place).align = 4
            return context.get_dummy_value()

        return signature, generate

    return summed


# One function per number of registers: the number must be known when compiling.
row_sum_1, row_sum_2, row_sum_3, row_sum_4 = (_row_sum_of(count) for count in range(1, MOST + 1))


def _row_add_of(count: int) -> Any:
    """Return a function that adds a sparse row times `count` registers to a table."""

    @intrinsic
    def added(
        typing: Any,
        data: Any,
        indices: Any,
        factor: Any,
        row: Any,
        begin: Any,
        end: Any,
        first: Any,
        table: Any,
    ) -> Any:
        size = types.intp
        signature = types.void(data, indices, factor, size, size, size, size, table)

        def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            values, where, source, target = (
                context.make_array(sig.args[at])(context, builder, args[at]) for at in (0, 1, 2, 7)
            )
            line, begins, ends, starts = args[3:7]
            kind = context.get_value_type(sig.args[7].dtype)
            wide = ir.VectorType(kind, LANES)
            whole = ir.IntType(64)
            offsets = [builder.add(starts, ir.Constant(whole, LANES * at)) for at in range(count)]
            zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), None)
            empty = ir.Constant(wide, ir.Undefined)

            def place(array: Any, base: Any, offset: Any) -> Any:
                at = builder.gep(array.data, [builder.add(base, offset)])
                return builder.bitcast(at, wide.as_pointer())

            held = []
            base = builder.mul(line, builder.extract_value(source.shape, 1))
            for offset in offsets:
                register = builder.load(place(source, base, offset))
                register.align = 4
                held.append(register)
            stride = builder.extract_value(target.shape, 1)
            with cgutils.for_range_slice(builder, begins, ends, ir.Constant(whole, 1)) as (at, _):
                x = builder.load(builder.gep(values.data, [at]))
                if x.type != kind:
                    x = builder.fpext(x, kind)
                one = builder.insert_element(empty, x, ir.Constant(ir.IntType(32), 0))
                x = builder.shuffle_vector(one, empty, zeros)
                column = builder.load(builder.gep(where.data, [at]))
                if column.type != whole:
                    column = builder.sext(column, whole)
                base = builder.mul(column, stride)
                for offset, register in zip(offsets, held, strict=True):
                    total = builder.load(place(target, base, offset))
                    total.align = 4
                    product = builder.fmul(x, register, flags=_FLAGS)
                    total = builder.fadd(total, product, flags=_FLAGS)
                    builder.store(total, place(target, base, offset)).align = 4
            return context.get_dummy_value()

        return signature, generate

    return added


row_add_1, row_add_2, row_add_3, row_add_4 = (_row_add_of(count) for count in range(1, MOST + 1))


def _halved(builder: Any, vector: Any) -> Any:
    """Sum of the lanes, half onto half."""
    width = vector.type.count
    while width > 1:
        width //= 2
        kind = ir.VectorType(ir.IntType(32), width)
        low = builder.shuffle_vector(vector, vector, ir.Constant(kind, list(range(width))))
        high = builder.shuffle_vector(
            vector, vector, ir.Constant(kind, list(range(width, 2 * width)))
        )
        vector = builder.fadd(low, high, flags=_FLAGS)
    return builder.extract_element(vector, ir.Constant(ir.IntType(32), 0))


def _reciprocal(builder: Any, y: Any) -> Any:
    """1 / y of positive numbers; three Newton steps in float32, where division is slow."""
    lanes, kind = y.type.count, y.type.element
    if kind != ir.FloatType():
        return builder.fdiv(ir.Constant(y.type, [1.0] * lanes), y)
    whole = ir.VectorType(ir.IntType(32), lanes)
    # The bits of a float, read as a whole number, are nearly its logarithm.
    bits = builder.sub(ir.Constant(whole, [0x7EF311C7] * lanes), builder.bitcast(y, whole))
    found = builder.bitcast(bits, y.type)
    two = ir.Constant(y.type, [2.0] * lanes)
    for _ in range(3):
        rest = builder.fsub(two, builder.fmul(y, found, flags=_FLAGS), flags=_FLAGS)
        found = builder.fmul(found, rest, flags=_FLAGS)
    return found


@intrinsic
def _newton_sums(typing: Any, x: Any, y: Any, before: Any, move: Any, a: Any) -> Any:
    """Add ``move * before`` to y, and return the sums of ``a x / y`` and ``a² x / y²``.

    All arrays of one float type in C order, their length that of x, a multiple
    of `STRIDE`; y stays above 0.
    """
    signature = types.UniTuple(x.dtype, 2)(x, y, before, x.dtype, a)

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        xs, ys, prior, now = (
            context.make_array(sig.args[at])(context, builder, args[at]) for at in (0, 1, 2, 4)
        )
        kind = context.get_value_type(sig.args[0].dtype)
        wide = ir.VectorType(kind, STRIDE)
        whole = ir.IntType(64)
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), STRIDE), None)
        empty = ir.Constant(wide, ir.Undefined)
        one = builder.insert_element(empty, args[3], ir.Constant(ir.IntType(32), 0))
        moves = builder.shuffle_vector(one, empty, zeros)
        slope = cgutils.alloca_once_value(builder, ir.Constant(wide, None))
        curve = cgutils.alloca_once_value(builder, ir.Constant(wide, None))

        def place(array: Any, at: Any) -> Any:
            return builder.bitcast(builder.gep(array.data, [at]), wide.as_pointer())

        def fetch(array: Any, at: Any) -> Any:
            loaded = builder.load(place(array, at))
            loaded.align = 4
            return loaded

        def add(total: Any, left: Any, right: Any) -> None:
            product = builder.fmul(left, right, flags=_FLAGS)
            builder.store(builder.fadd(builder.load(total), product, flags=_FLAGS), total)

        length = builder.extract_value(xs.shape, 0)
        zero, step = ir.Constant(whole, 0), ir.Constant(whole, STRIDE)
        with cgutils.for_range_slice(builder, zero, length, step) as (at, _):
            change = builder.fmul(moves, fetch(prior, at), flags=_FLAGS)
            fitted = builder.fadd(fetch(ys, at), change, flags=_FLAGS)
            builder.store(fitted, place(ys, at)).align = 4
            t = builder.fmul(fetch(now, at), _reciprocal(builder, fitted), flags=_FLAGS)
            xt = builder.fmul(fetch(xs, at), t, flags=_FLAGS)
            builder.store(builder.fadd(builder.load(slope), xt, flags=_FLAGS), slope)
            add(curve, xt, t)
        sums = [_halved(builder, builder.load(total)) for total in (slope, curve)]
        return context.make_tuple(builder, sig.return_type, sums)

    return signature, generate


newton_sums: Any = _newton_sums  # called from compiled loops alone, without `typing`
