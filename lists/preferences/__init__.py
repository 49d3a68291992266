"""Preferences: what people choose for themselves, by the link in the footer of their mails."""
