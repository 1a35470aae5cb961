"""What the ordinary tests leave alone here: modules that need PyTorch to be imported at all."""

collect_ignore_glob = ["outside/*"]
