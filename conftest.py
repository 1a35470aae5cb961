"""Curta is imported before any of its files is collected for doctests: else pytest may load a second copy of one."""

import curta  # noqa: F401
