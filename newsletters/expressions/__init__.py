"""The {{ … }} and {% … %} of documents: parsed into trees, and evaluated."""
