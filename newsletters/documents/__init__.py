"""Documents: front matter and YAML with line numbers, and errors collected for the reader."""
