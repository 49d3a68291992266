"""Reports: the figures of a campaign."""
