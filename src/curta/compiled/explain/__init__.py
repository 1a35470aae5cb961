"""A program as a page to look at: its operators, its memory over time, and what each thread did."""

from curta.compiled.explain.page import Machine, page

__all__ = ["Machine", "page"]
