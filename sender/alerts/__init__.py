"""Alerts: conditions that a person should know of, and how they are told."""
