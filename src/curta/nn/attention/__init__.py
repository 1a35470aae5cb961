"""Attention: over rectangles of queries and keys (`dot_product`), and over sequences end to end (`varlen`)."""
