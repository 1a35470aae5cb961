"""A program as a page to look at: its operators, its memory over time, and what each thread did."""

from curta.compiled.explain.machine import Machine, measured
from curta.compiled.explain.page import page
from curta.compiled.explain.write import check_writable, explain

__all__ = ["Machine", "check_writable", "explain", "measured", "page"]
