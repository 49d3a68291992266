"""The report as one document: HTML that needs nothing else, and its PDF."""
