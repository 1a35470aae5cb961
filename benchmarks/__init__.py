"""The same work in PyTorch and in Curta, timed side by side."""
