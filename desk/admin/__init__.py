"""Pages for admins: people and their roles, invitations, the audit log, settings and what `doctor` finds."""
