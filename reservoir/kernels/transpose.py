"""An 8 by 8 block of a matrix to the rows of another, in vector registers.

States of many lanes are stored unit by unit and wanted step by step; element by element the way
from one to the other would cost as much as a fifth of the recurrence.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

SIDE = 8


@intrinsic
def store_transposed(
    typing: Any, x: Any, unit: Any, lane: Any, states: Any, first: Any, step: Any
) -> Any:
    """``states[first[lane + j] + step, unit + i] = x[unit + i, lane + j]`` for i, j < 8."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        x_array, states_array, first_array = (
            context.make_array(signature.args[i])(context, builder, args[i]) for i in (0, 3, 4)
        )
        unit, lane, step = args[1], args[2], args[5]
        bits = signature.args[0].dtype.bitwidth
        item = context.get_data_type(signature.args[0].dtype)
        vector, word, short = ir.VectorType(item, SIDE), ir.IntType(64), ir.IntType(32)
        stride = cgutils.unpack_tuple(builder, x_array.shape, 2)[1]
        units = cgutils.unpack_tuple(builder, states_array.shape, 2)[1]

        def vector_at(array: Any, offset: Any) -> Any:
            address = builder.gep(array.data, [offset], inbounds=True)
            return builder.bitcast(address, vector.as_pointer())

        def shuffled(a: Any, b: Any, chosen: list[int]) -> Any:
            mask = ir.Constant(ir.VectorType(short, SIDE), [ir.Constant(short, c) for c in chosen])
            return builder.shuffle_vector(a, b, mask)

        rows = []
        for i in range(SIDE):
            at = builder.add(builder.mul(builder.add(unit, word(i)), stride), lane)
            rows.append(builder.load(vector_at(x_array, at)))
            rows[-1].align = bits // 8
        # Swap the off-diagonal blocks of side 1, 2 and 4.
        for side in (1, 2, 4):
            for i in range(SIDE):
                if i & side == 0:
                    a, b = rows[i], rows[i + side]
                    upper = [e if e & side == 0 else SIDE + e - side for e in range(SIDE)]
                    lower = [e + side if e & side == 0 else SIDE + e for e in range(SIDE)]
                    rows[i], rows[i + side] = shuffled(a, b, upper), shuffled(a, b, lower)
        for j, row in enumerate(rows):
            begin = builder.load(
                builder.gep(first_array.data, [builder.add(lane, word(j))], inbounds=True)
            )
            at = builder.add(builder.mul(builder.add(begin, step), units), unit)
            builder.store(row, vector_at(states_array, at)).align = bits // 8
        return context.get_dummy_value()

    return types.void(x, unit, lane, states, first, step), generate
