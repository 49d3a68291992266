"""Toolkits in the desk: begin, edit, approve and publish them; a module for each kind of page."""
