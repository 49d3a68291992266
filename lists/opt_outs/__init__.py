"""Columns of a file that say who must not be mailed, and the words that say it."""
