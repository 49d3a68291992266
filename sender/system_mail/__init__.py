"""Single mails that nobody wrote as a newsletter: invitations, new passwords, alerts."""
