"""Pages that send a newsletter, in the order of their steps, from the list to the last look."""
