"""Events: what providers and readers report, classified, counted, and counted again."""
