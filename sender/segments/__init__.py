"""Conditions of segments that the sender answers: about the last campaigns to a list."""
