"""Organisations: found, added, edited and imported, with their contacts, logos, packs and private pages."""
