"""Dialects: how each tool writes merge tags; a TOML file each."""
