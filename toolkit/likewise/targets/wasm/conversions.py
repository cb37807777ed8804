"""Instructions that convert between types and move lanes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from likewise.loop.nodes import Const
from likewise.targets.wasm.choices import Choices
from likewise.targets.wasm.instructions import shape_of, value_type
from likewise.targets.wasm.opcodes import simd

if TYPE_CHECKING:
    from likewise.loop.nodes import Apply

__all__ = ["Conversions"]

_WIDTH_CHANGES: Final = {
    ("i64", "i32"): "i32.wrap_i64",
    ("f32", "f64"): "f64.promote_f32",
    ("f64", "f32"): "f32.demote_f64",
}


class Conversions(Choices):
    """All instructions: those of the base, and conversions."""

    def op_cast(self, node: Apply) -> None:
        source, target = node.args[0].type, node.type
        self.operands(node)
        sign = "s" if (source if source.is_int else target).kind == "i" else "u"
        if target.lanes > 1:
            if source.is_float != target.is_float:
                verb = "trunc_sat" if source.is_float else "convert"
                self.op(f"{shape_of(target)}.{verb}_{shape_of(source)}_{sign}")
            return
        to, of = value_type(target), value_type(source)
        if target.is_bool:
            self.constant(Const(source, 0))
            self.op(f"{of}.ne")
        elif source.is_float and target.is_int:
            self.op(f"{to}.trunc_sat_{of}_{sign}")
        elif target.is_float and not source.is_float:
            self.op(f"{to}.convert_{of}_{sign}")
        elif to != of:
            self.op(_WIDTH_CHANGES.get((of, to)) or f"i64.extend_i32_{sign}")

    def op_bitcast(self, node: Apply) -> None:
        self.operands(node)
        to, of = value_type(node.type), value_type(node.args[0].type)
        if to != of:
            self.op(f"{to}.reinterpret_{of}")

    def op_splat(self, node: Apply) -> None:
        self.operands(node)
        self.op(f"{shape_of(node.type)}.splat")

    def op_extract(self, node: Apply) -> None:
        self.operands(node)
        source = node.args[0].type
        suffix = "" if source.bits >= 32 else f"_{'s' if source.kind == 'i' else 'u'}"
        self.op(f"{shape_of(source)}.extract_lane{suffix}")
        self.code.append(node.immediate[0])

    def op_replace(self, node: Apply) -> None:
        self.operands(node)
        self.op(f"{shape_of(node.type)}.replace_lane")
        self.code.append(node.immediate[0])

    def op_shuffle(self, node: Apply) -> None:
        self.operands(node)
        width = node.type.bits // 8
        self.code += simd(0x0D)
        self.code += bytes(lane * width + at for lane in node.immediate for at in range(width))

    def _widen(self, node: Apply) -> None:
        self.operands(node)
        source = node.args[0].type
        if source.is_float:
            self.op("f64x2.promote_low_f32x4")
            return
        verb = node.op.replace("widen_", "extend_")
        sign = "s" if source.kind == "i" else "u"
        self.op(f"{shape_of(node.type)}.{verb}_{shape_of(source)}_{sign}")

    op_widen_low = op_widen_high = op_extmul_low = op_extmul_high = _widen

    def _named(self, node: Apply) -> None:
        """Operations whose instruction names both types."""
        self.operands(node)
        source, sign = node.args[0].type, "s" if node.args[0].type.kind == "i" else "u"
        target = "s" if node.type.kind == "i" else "u"
        self.op(
            {
                "narrow_i": f"{shape_of(node.type)}.narrow_{shape_of(source)}_s",
                "narrow_u": f"{shape_of(node.type)}.narrow_{shape_of(source)}_u",
                "dot": "i32x4.dot_i16x8_s",
                "pairwise": f"{shape_of(node.type)}.extadd_pairwise_{shape_of(source)}_{sign}",
                "convert_low": f"f64x2.convert_low_i32x4_{sign}",
                "demote": "f32x4.demote_f64x2_zero",
                "trunc_zero": f"i32x4.trunc_sat_f64x2_{target}_zero",
            }[node.op]
        )

    op_narrow_i = op_narrow_u = op_dot = op_pairwise = _named
    op_convert_low = op_demote = op_trunc_zero = _named
