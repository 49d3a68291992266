"""Tests of the report as a document and as files."""
