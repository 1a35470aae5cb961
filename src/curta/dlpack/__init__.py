"""Memory shared with other frameworks in one process, by the DLPack protocol; nothing is copied."""
