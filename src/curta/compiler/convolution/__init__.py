"""Convolutions: the blocked matmul over windows that are read from the images, with no columns in memory."""

from curta.compiler.convolution.geometry import Geometry
from curta.compiler.convolution.plan import plan_forward, plan_input_gradient, plan_weight_gradient
from curta.compiler.convolution.program import Program

__all__ = ["Geometry", "Program", "plan_forward", "plan_input_gradient", "plan_weight_gradient"]
