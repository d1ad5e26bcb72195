"""Receptive fields: which pixels one value of a feature map depends on, by recursion and by gradients.

Along one axis, the output at position `i` of a layer sees `size` pixels, from ``start + jump i`` on. A layer
with a kernel of `K` cells, `D` apart, stride `S` and padding `P` turns that into::

    size  <-  size + (K - 1) D jump
    start <-  start - P jump
    jump  <-  jump S

Where branches meet, the field reaches from the first pixel that any of them sees to the last one.
"""

from cnncourse.receptive_field.gradients import (
    effective_receptive_field,
    field_spread,
    receptive_field_by_gradient,
)
from cnncourse.receptive_field.layer_rules import Field
from cnncourse.receptive_field.recursion import FieldRow, receptive_field

__all__ = [
    "Field",
    "FieldRow",
    "effective_receptive_field",
    "field_spread",
    "receptive_field",
    "receptive_field_by_gradient",
]
