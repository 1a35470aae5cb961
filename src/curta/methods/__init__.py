"""The methods of a tensor, by family: each a thin call of the function of the same name."""
