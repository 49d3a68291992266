"""The frame: settings, database, jobs, and the front doors."""
