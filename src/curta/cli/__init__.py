"""The `curta` command: `curta train`, `curta sample`, `curta explain`, `curta doctor`."""
