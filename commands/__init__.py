"""The front door for the terminal: a module for each command group."""
