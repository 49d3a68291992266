"""Member organisations: who they are, their private pages, and what they take; above newsletters, lists and sender."""
