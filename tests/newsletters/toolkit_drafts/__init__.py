"""Tests of the toolkits that are written in the desk."""
