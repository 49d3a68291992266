"""Upkeep: the sweep, the pace, the chores, and sending in the foreground."""
