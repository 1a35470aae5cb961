"""Automatic differentiation on a dynamic graph."""

from curta.autograd import function, functional, graph
from curta.autograd.anomaly import detect_anomaly, set_detect_anomaly
from curta.autograd.api import backward, grad
from curta.autograd.function import Function
from curta.autograd.gradcheck import gradcheck, gradgradcheck
from curta.autograd.modes import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from curta.autograd.variable import Variable

__all__ = [
    "Function",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "function",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]
