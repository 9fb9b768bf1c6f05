"""How does a loop of known width use whole vector registers?

The compiler's own vectoriser wants long loops. The sums over a sparse row are
short, one number per part, so their registers are laid out here by hand: eight
lanes each, kept over the whole row. The last register may overlap the one
before it, which costs nothing and spares a remainder loop.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = ["LANES", "MOST", "row_sum_1", "row_sum_2", "row_sum_3", "row_sum_4"]

LANES = 8
MOST = 4  # registers at most in one call
_FLAGS = ("contract", "reassoc", "nsz")


def _row_sum_of(count: int) -> Any:
    """Return a function that sums `count` registers of parts over one sparse row."""

    @intrinsic  # type: ignore[untyped-decorator]  # numba carries no types
    def summed(  # noqa: PLR0917, PLR0913 - plain arrays, as a compiled loop takes them
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
            sums = [
                cgutils.alloca_once_value(builder, ir.Constant(wide, None)) for _ in range(count)
            ]

            def spread(number: Any) -> Any:
                empty = ir.Constant(wide, ir.Undefined)
                one = builder.insert_element(empty, number, ir.Constant(ir.IntType(32), 0))
                zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), None)
                return builder.shuffle_vector(one, empty, zeros)

            def address(array: Any, at: Any, vector: Any) -> Any:
                return builder.bitcast(builder.gep(array.data, [at]), vector.as_pointer())

            stride = builder.extract_value(table.shape, 1)
            with cgutils.for_range_slice(builder, begins, ends, ir.Constant(whole, 1)) as (at, _):
                x = builder.load(builder.gep(values.data, [at]))
                if x.type != kind:
                    x = builder.fpext(x, kind)
                x = spread(x)
                column = builder.load(builder.gep(where.data, [at]))
                if column.type != whole:
                    column = builder.sext(column, whole)
                base = builder.mul(column, stride)
                for offset, total in zip(offsets, sums, strict=True):
                    f = builder.load(address(table, builder.add(base, offset), narrow))
                    f.align = 4
                    if stored != kind:
                        f = builder.fpext(f, wide)
                    product = builder.fmul(x, f, flags=_FLAGS)
                    builder.store(builder.fadd(builder.load(total), product, flags=_FLAGS), total)
            line_start = builder.mul(line, builder.extract_value(target.shape, 1))
            for offset, total in zip(offsets, sums, strict=True):
                place = address(target, builder.add(line_start, offset), wide)
                builder.store(builder.load(total), place).align = 4
            return context.get_dummy_value()

        return signature, generate

    return summed


# One function per number of registers: the number must be known when compiling.
row_sum_1, row_sum_2, row_sum_3, row_sum_4 = (_row_sum_of(count) for count in range(1, MOST + 1))
