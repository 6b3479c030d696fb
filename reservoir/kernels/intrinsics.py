"""The few LLVM instructions that plain Numba does not offer.

A fused multiply-add rounds once and is the same on every machine that has it; writing it out
makes results independent of what a compiler chooses to contract. All of these vectorize.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic


@intrinsic
def fma(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """``a * b + c`` with one rounding; a, b and c of one float type."""
    if not (isinstance(a, types.Float) and a == b == c):
        return None

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fma(*args)

    return a(a, b, c), generate


@intrinsic
def copysign(typing: Any, magnitude: Any, sign: Any) -> Any:
    """The magnitude of the first argument with the sign of the second."""
    if not (isinstance(magnitude, types.Float) and magnitude == sign):
        return None

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = args[0].type
        name = f"llvm.copysign.f{magnitude.bitwidth}"
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(kind, [kind, kind]), name
        )
        return builder.call(function, args)

    return magnitude(magnitude, sign), generate


@intrinsic
def to_bits(typing: Any, value: Any) -> Any:
    """The bits of a float as a signed integer of the same width."""
    integer = {types.float64: types.int64, types.float32: types.int32}.get(value)
    if integer is None:
        return None

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.IntType(value.bitwidth))

    return integer(value), generate


@intrinsic
def from_bits(typing: Any, bits: Any) -> Any:
    """The float whose bits are those of a signed integer of the same width."""
    value = {types.int64: types.float64, types.int32: types.float32}.get(bits)
    if value is None:
        return None

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.DoubleType() if bits == types.int64 else ir.FloatType())

    return value(bits), generate
