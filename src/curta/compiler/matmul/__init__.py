"""Matrix multiplication: kernels made for the processor's registers and caches, for any strides and number format."""

from curta.compiler.matmul.ending import Ending
from curta.compiler.matmul.plan import MatmulPlan, plan_matmul

__all__ = ["Ending", "MatmulPlan", "plan_matmul"]
