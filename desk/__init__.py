"""Front door: the desk, the web app for people who sign in.

A page reads a form, calls one function of a room, and shows its result; `access.py` says what a page may use.
"""
