"""Events: what providers and readers report, classified, stored and counted."""
