"""Links: opaque keys, tracking, and what a sent mail contains."""
