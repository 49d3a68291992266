"""Tests of newsletters in the database."""
