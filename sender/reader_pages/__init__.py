"""Reader pages: what readers do and see on public pages: their choices, and the past bulletins of a list."""
