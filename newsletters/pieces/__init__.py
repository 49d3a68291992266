"""Pieces: a newsletter's text cut into the parts that the editor shows as forms, and put back byte for byte."""
