"""Consent: the ledger of who agreed to what, when and in which words; what it shows of a person and of a list."""
