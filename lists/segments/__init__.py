"""Segments: questions about the people of a list, as text with a small grammar, and their answers from the database."""
