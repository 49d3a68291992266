"""Charts: what each of a report's charts shows, one specification for each, and their drawing, once."""
