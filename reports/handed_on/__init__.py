"""Reports that are handed on: by a link, and by mail."""
