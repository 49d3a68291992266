"""Merge: one compiled email and one member become one mail."""
