"""Element by element formulas over rows, in vector registers, written as plain arithmetic.

The vectorizer gives up a loop that reads and writes many arrays, as it cannot know that they do not
overlap. Here a formula is an ordinary Python function of numbers, and becomes one loop of whole
vectors: it loads its sources, computes, and only then stores its targets.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from reservoir.kernels.vectors import VECTOR_BITS


class Value:
    """A vector in a register, with the arithmetic of numbers."""

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder, self.value = builder, value

    def _other(self, other: Any) -> Any:
        if isinstance(other, Value):
            return other.value
        kind = self.value.type
        return ir.Constant(kind, [float(other)] * kind.count)

    def __add__(self, other: Any) -> Value:
        return Value(self.builder, self.builder.fadd(self.value, self._other(other)))

    def __sub__(self, other: Any) -> Value:
        return Value(self.builder, self.builder.fsub(self.value, self._other(other)))

    def __mul__(self, other: Any) -> Value:
        return Value(self.builder, self.builder.fmul(self.value, self._other(other)))

    def __rsub__(self, other: Any) -> Value:
        return Value(self.builder, self.builder.fsub(self._other(other), self.value))

    __radd__, __rmul__ = __add__, __mul__

    def where_positive(self, then: Any) -> Value:
        """``then`` where this is above 0, and 0 elsewhere."""
        builder, zero = self.builder, self._other(0.0)
        above = builder.fcmp_ordered(">", self.value, zero)
        return Value(builder, builder.select(above, self._other(then), zero))


def formula(function: Callable[..., Any]) -> Any:
    """An intrinsic ``f(targets, target_starts, sources, source_starts, count)`` from a function.

    ``function`` takes the sources and returns the target (or a constant), or a tuple of them.
    Targets and sources are tuples of arrays, starts (elements from an array's begin) tuples of
    integers; a source may be a number, whose start is ignored. ``count`` is a whole number of
    vectors.
    """
    wanted = len(inspect.signature(function).parameters)

    @intrinsic
    def run(
        typing: Any, targets: Any, target_starts: Any, sources: Any, source_starts: Any, count: Any
    ) -> Any:
        if len(sources.types) != wanted:
            raise TypeError(f"{function.__name__} takes {wanted} sources, got {len(sources.types)}")

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kind = targets.types[0].dtype
            word, item = ir.IntType(64), context.get_data_type(kind)
            width = VECTOR_BITS // kind.bitwidth
            vector = ir.VectorType(item, width)

            def splat(value: Any) -> Any:
                undefined = ir.Constant(vector, ir.Undefined)
                single = builder.insert_element(undefined, value, ir.IntType(32)(0))
                mask = ir.Constant(ir.VectorType(ir.IntType(32), width), [0] * width)
                return builder.shuffle_vector(single, undefined, mask)

            def operands(values: Any, starts: Any, of: Any) -> list[Any]:
                found = []
                for k, one in enumerate(of.types):
                    value = builder.extract_value(values, k)
                    if isinstance(one, types.Array):
                        data = context.make_array(one)(context, builder, value).data
                        start = builder.extract_value(starts, k)
                        found.append(builder.gep(data, [start], inbounds=True))
                    else:
                        found.append(splat(context.cast(builder, value, one, kind)))
                return found

            to = operands(args[0], args[1], targets)
            given = operands(args[2], args[3], sources)
            with cgutils.for_range_slice(builder, word(0), args[4], word(width), word) as (at, _):
                loaded = []
                for operand in given:
                    value = operand
                    if isinstance(operand.type, ir.PointerType):
                        address = builder.gep(operand, [at], inbounds=True)
                        value = builder.load(builder.bitcast(address, vector.as_pointer()))
                        value.align = kind.bitwidth // 8
                    loaded.append(Value(builder, value))
                results = function(*loaded)
                for target, result in zip(
                    to, results if isinstance(results, tuple) else (results,), strict=True
                ):
                    address = builder.gep(target, [at], inbounds=True)
                    place = builder.bitcast(address, vector.as_pointer())
                    if not isinstance(result, Value):
                        constant = ir.Constant(vector, [float(result)] * width)
                        result = Value(builder, constant)
                    builder.store(result.value, place).align = kind.bitwidth // 8
            return context.get_dummy_value()

        return types.void(targets, target_starts, sources, source_starts, count), generate

    return run
