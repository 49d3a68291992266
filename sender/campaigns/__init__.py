"""Campaigns: from a draft to a frozen audience, and what a person may do on the way."""
