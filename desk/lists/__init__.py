"""Lists, their members, and the addresses that no list may mail."""
