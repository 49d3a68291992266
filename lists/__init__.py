"""Lists: who may be mailed about what."""
