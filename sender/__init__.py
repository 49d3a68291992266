"""Sender: out and back."""
