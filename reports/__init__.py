"""Reports: what a campaign did."""
