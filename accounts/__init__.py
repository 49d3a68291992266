"""Accounts of the desk: credentials, sessions, invitations, rights, limits and the audit log."""
