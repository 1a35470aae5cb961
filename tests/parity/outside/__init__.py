"""PyTorch's own table of operators with its sample inputs, run through Curta: `python -m tests.parity.outside`."""
