"""Sheets: the one reader of tables that people make, CSV and workbooks, for every purpose."""
