"""Tests of sender/launching."""
