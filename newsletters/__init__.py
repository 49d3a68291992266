"""Newsletters: words into one compiled email."""
