"""Uploads: files that people send through the desk, and imports that are prepared from them, step by step."""
