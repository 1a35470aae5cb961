"""Curta: deep learning in pure Python that keeps the books."""

from curta import functions
from curta.methods import late

late.functions = functions
