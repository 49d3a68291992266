"""Expressions: what a document says with {{ … }} and {% … %}, and what of it depends on a member."""
