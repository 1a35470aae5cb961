"""Helpers over parameters and their gradients."""

from curta.nn.utils import rnn
from curta.nn.utils.clip import clip_grad_norm_, clip_grad_value_, get_total_norm
from curta.nn.utils.vector import parameters_to_vector, vector_to_parameters

__all__ = [
    "clip_grad_norm_", "clip_grad_value_", "get_total_norm", "parameters_to_vector", "rnn", "vector_to_parameters",
]  # fmt: skip
