"""Signing up to a list: its form and wording, what people typed, and the confirmation by which they are added."""
