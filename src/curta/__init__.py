"""Curta: deep learning in pure Python that keeps the books."""
