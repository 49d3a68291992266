"""Alerts: conditions that a person should know about, and the channels that report them."""
