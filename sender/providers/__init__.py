"""Providers: the services that send mail, their Protocol, and the table of failures."""
