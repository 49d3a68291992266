"""Delivery: the send protocol. Ledger, claims, attempts, outcomes."""
