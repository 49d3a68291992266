"""The demo: the whole job on invented people."""
