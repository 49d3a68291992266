"""Preview: what readers of a newsletter will see, as files to look at."""
