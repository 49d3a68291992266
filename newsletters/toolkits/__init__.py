"""Toolkits: campaign copy, brand, images and links, read from a folder and checked."""
