"""Pages to look at: their common parts, the charts, and what a training step did as charts and tables."""
