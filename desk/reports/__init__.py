"""Reports in the desk: a line for each campaign, its figures, comparison, files, links and mails, and adoption."""
