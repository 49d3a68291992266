"""Compose: from a document to MJML, HTML and plain text, and to the compiled email."""
