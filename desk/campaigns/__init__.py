"""Pages of campaigns: the list, progress, people, decisions."""
