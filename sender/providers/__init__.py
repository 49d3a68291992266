"""Providers: the ways out, what they are given and what they answer."""
