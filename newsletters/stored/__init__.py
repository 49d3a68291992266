"""Newsletters that are kept in the database: saved with versions, by several people at once, without losing words."""
