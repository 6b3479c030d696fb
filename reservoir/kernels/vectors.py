"""One row of a sparse matrix times one state or many lanes, in vector registers.

Numba does not keep the sums of a loop over lanes in registers; here they are, which makes the
product two to four times as fast: per non-zero one broadcast weight and one fused multiply-add for
each vector of lanes. For one state, weights are loaded and multiplied four at a time, which spares
loads, the bottleneck of the scalar loop (a fifth faster). The code is written out as LLVM
instructions.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from llvmlite.binding import get_host_cpu_features
from numba.core import cgutils, types
from numba.extending import intrinsic

PARTIAL_SUMS = 2  # hide the latency of an addition; the same for every width, so that bits agree
DOT_WIDTH = 4  # non-zeros of one instruction for one state
VECTOR_BITS = 512 if get_host_cpu_features().get("avx512f") else 256


def vector_fma(builder: Any, kind: Any, name: str) -> Any:
    """The fused multiply-add of a scalar or vector type."""
    signature = ir.FunctionType(kind, [kind] * 3)
    return cgutils.get_or_insert_function(builder.module, signature, f"llvm.fma.{name}")


def splat(builder: Any, value: Any, vector: Any) -> Any:
    """A vector of a value in every place."""
    undefined = ir.Constant(vector, ir.Undefined)
    single = builder.insert_element(undefined, value, ir.IntType(32)(0))
    mask = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), [0] * vector.count)
    return builder.shuffle_vector(single, undefined, mask)


def _row_times_lanes(vectors: int) -> Any:
    """An intrinsic for ``vectors`` neighbouring vectors of lanes."""

    @intrinsic
    def row_times_lanes(
        typing: Any,
        data: Any,
        indices: Any,
        start: Any,
        end: Any,
        x: Any,
        a: Any,
        row: Any,
        lane: Any,
    ) -> Any:
        """``a[row, lane:lane + width] += data[start:end] @ x[indices[start:end], ...]``."""

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            data_array, indices_array, x_array, a_array = (
                context.make_array(signature.args[i])(context, builder, args[i])
                for i in (0, 1, 4, 5)
            )
            start, end, row, lane = args[2], args[3], args[6], args[7]
            item = context.get_data_type(signature.args[4].dtype)
            bits = signature.args[4].dtype.bitwidth
            width = vectors * VECTOR_BITS // bits
            vector, word = ir.VectorType(item, width), ir.IntType(64)
            stride = cgutils.unpack_tuple(builder, x_array.shape, 2)[1]
            add = vector_fma(builder, vector, f"v{width}f{bits}")

            def lanes_of(array: Any, index: Any) -> Any:
                offset = builder.add(builder.mul(index, stride), lane)
                address = builder.gep(array.data, [offset], inbounds=True)
                return builder.bitcast(address, vector.as_pointer())

            def load(address: Any) -> Any:
                value = builder.load(address)
                value.align = bits // 8
                return value

            def add_nonzero(k: Any, total: Any) -> None:
                weight = builder.load(builder.gep(data_array.data, [k], inbounds=True))
                index = builder.load(builder.gep(indices_array.data, [k], inbounds=True))
                weights = splat(builder, weight, vector)
                source = load(lanes_of(x_array, builder.zext(index, word)))
                builder.store(builder.call(add, [weights, source, builder.load(total)]), total)

            target = lanes_of(a_array, row)
            totals = [cgutils.alloca_once(builder, vector) for _ in range(PARTIAL_SUMS)]
            builder.store(load(target), totals[0])
            for total in totals[1:]:
                builder.store(ir.Constant(vector, [0.0] * width), total)
            whole = builder.and_(builder.sub(end, start), word(-PARTIAL_SUMS))
            middle = builder.add(start, whole)
            with cgutils.for_range_slice(builder, start, middle, word(PARTIAL_SUMS), word) as (
                k,
                _,
            ):
                for i, total in enumerate(totals):
                    add_nonzero(builder.add(k, word(i)), total)
            with cgutils.for_range_slice(builder, middle, end, word(1), word) as (k, _):
                add_nonzero(k, totals[0])
            result = builder.load(totals[0])
            for total in totals[1:]:
                result = builder.fadd(result, builder.load(total))
            builder.store(result, target).align = bits // 8
            return context.get_dummy_value()

        return types.void(data, indices, start, end, x, a, row, lane), generate

    return row_times_lanes


row_times_1_vector = _row_times_lanes(1)
row_times_2_vectors = _row_times_lanes(2)
row_times_4_vectors = _row_times_lanes(4)


@intrinsic
def row_dot(typing: Any, data: Any, indices: Any, start: Any, end: Any, x: Any, total: Any) -> Any:
    """``total + data[start:end] @ x[indices[start:end]]``."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data_array, indices_array, x_array = (
            context.make_array(signature.args[i])(context, builder, args[i]) for i in (0, 1, 4)
        )
        start, end = args[2], args[3]
        item = context.get_data_type(signature.args[4].dtype)
        bits = signature.args[4].dtype.bitwidth
        vector, word, short = ir.VectorType(item, DOT_WIDTH), ir.IntType(64), ir.IntType(32)
        add = vector_fma(builder, vector, f"v{DOT_WIDTH}f{bits}")
        add_one = vector_fma(builder, item, f"f{bits}")

        def source(k: Any) -> Any:
            index = builder.load(builder.gep(indices_array.data, [k], inbounds=True))
            return builder.load(
                builder.gep(x_array.data, [builder.zext(index, word)], inbounds=True)
            )

        def weights_at(k: Any) -> Any:
            address = builder.gep(data_array.data, [k], inbounds=True)
            loaded = builder.load(builder.bitcast(address, vector.as_pointer()))
            loaded.align = bits // 8
            return loaded

        sums = [cgutils.alloca_once(builder, vector) for _ in range(PARTIAL_SUMS)]
        for partial in sums:
            builder.store(ir.Constant(vector, [0.0] * DOT_WIDTH), partial)
        step = DOT_WIDTH * PARTIAL_SUMS
        middle = builder.add(start, builder.and_(builder.sub(end, start), word(-step)))
        with cgutils.for_range_slice(builder, start, middle, word(step), word) as (k, _):
            for i, partial in enumerate(sums):
                first = builder.add(k, word(i * DOT_WIDTH))
                values = ir.Constant(vector, ir.Undefined)
                for j in range(DOT_WIDTH):
                    value = source(builder.add(first, word(j)))
                    values = builder.insert_element(values, value, short(j))
                product = [weights_at(first), values, builder.load(partial)]
                builder.store(builder.call(add, product), partial)
        rest = cgutils.alloca_once_value(builder, args[5])
        with cgutils.for_range_slice(builder, middle, end, word(1), word) as (k, _):
            weight = builder.load(builder.gep(data_array.data, [k], inbounds=True))
            builder.store(builder.call(add_one, [weight, source(k), builder.load(rest)]), rest)
        whole = builder.load(sums[0])
        for partial in sums[1:]:
            whole = builder.fadd(whole, builder.load(partial))
        result = builder.load(rest)
        for j in range(DOT_WIDTH):
            result = builder.fadd(result, builder.extract_element(whole, short(j)))
        return result

    return x.dtype(data, indices, start, end, x, total), generate
