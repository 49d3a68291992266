"""The frame: settings, database, schema, jobs, errors, and what else every room needs. It knows no room."""
