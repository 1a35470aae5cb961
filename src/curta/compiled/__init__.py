"""Whole functions as one native program: recorded, planned in one arena, run without Python in between."""
