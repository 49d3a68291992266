"""Sheets: the one reader of tables that people make, CSV and workbooks, whatever they are read for."""
