"""Pages of one's own: signing in, an invitation taken, the second factor, sessions."""
