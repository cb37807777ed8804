"""Instructions for what chooses between values: minimum, maximum, select, copysign."""

from __future__ import annotations

from likewise.loop.nodes import Apply, Const, const_lanes
from likewise.targets.wasm.instructions import Instructions, shape_of, value_type

__all__ = ["Choices"]


class Choices(Instructions):
    """Operations whose result is one of their operands, or a lane of one."""

    def _choose(self, node: Apply, comparison: str, *, first: bool) -> None:
        """One of two scalars: a if (a OP b), or with `first` false b if (b OP a), else a."""
        kind = value_type(node.type)
        self.operand(node.args[0])
        a = self.tee(kind)
        self.operand(node.args[1])
        b = self.tee(kind)
        for local in (a, b) if first else (b, a):
            self.get(local)
        self.op(f"{kind}.{comparison}")
        if not first:
            self.op("i32.eqz")
        self.op("select")

    def op_min(self, node: Apply) -> None:
        self._extreme(node, "lt")

    def op_max(self, node: Apply) -> None:
        self._extreme(node, "gt")

    def _extreme(self, node: Apply, comparison: str) -> None:
        if self._bounded(node):
            return
        if node.type.lanes > 1 or node.type.is_float:
            self.operands(node)
            self.op(self.plain_name(node))
        else:
            sign = "s" if node.type.kind == "i" else "u"
            self._choose(node, f"{comparison}_{sign}", first=True)

    def _bounded(self, node: Apply) -> bool:
        """The minimum or maximum of floats and one constant, if that can be done.

        x86 makes eight instructions of f32x4.max, because of zeros and NaNs, and one of pmax, which
        gives the same where no zero is involved. From a zero it may give -0, which 0 is added to.
        """
        one, bound = node.args
        if isinstance(one, Const):
            one, bound = bound, one
        if not node.type.is_float or node.type.lanes == 1 or not isinstance(bound, Const):
            return False
        lanes = const_lanes(bound)
        if any(number != number for number in lanes):  # noqa: PLR0124 — a NaN
            return False
        zero, wide = 0 in lanes, shape_of(node.type)
        if zero and bound.bits:
            return False
        self.operand(one)
        self.constant(bound)
        self.op(f"{wide}.p{node.op}")
        if zero and node.op == "max":
            self.constant(bound)
            self.op(f"{wide}.add")
        return True

    def op_pmin(self, node: Apply) -> None:
        if node.type.lanes > 1:
            self.operands(node)
            self.op(self.plain_name(node))
        else:
            self._choose(node, "lt", first=False)

    def op_pmax(self, node: Apply) -> None:
        if node.type.lanes > 1:
            self.operands(node)
            self.op(self.plain_name(node))
        else:
            kind = value_type(node.type)
            self.operand(node.args[1])
            b = self.tee(kind)
            self.operand(node.args[0])
            a = self.tee(kind)
            self.get(a)
            self.get(b)
            self.op(f"{kind}.lt")
            self.op("select")

    def op_copysign(self, node: Apply) -> None:
        if node.type.lanes == 1:
            self.operands(node)
            self.op(self.plain_name(node))
            return
        self.operand(node.args[1])
        self.operand(node.args[0])
        sign = 1 << (node.type.bits - 1)
        bits = sum(sign << (lane * node.type.bits) for lane in range(node.type.lanes))
        self.constant(Const(node.type, bits))
        self.op("v128.bitselect")

    def op_select(self, node: Apply) -> None:
        condition, yes, no = node.args
        for one in (yes, no, condition):
            self.operand(one)
        if condition.type.lanes == 1:
            self.op("select")
        elif self.fused:  # the lanes of a condition are all ones or all zeros: nothing is open
            self.op(f"i{node.type.bits}x{node.type.lanes}.relaxed_laneselect")
        else:
            self.op("v128.bitselect")
