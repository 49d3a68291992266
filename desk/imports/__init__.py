"""The import wizard: a file, its columns, consent, a check, and people on a list."""
