"""Logos as organisations have them: files of any usual kind, made into pictures that an email can show."""
