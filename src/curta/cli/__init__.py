"""The `curta` command: `curta train`, `curta sample`, `curta info`."""
