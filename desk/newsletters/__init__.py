"""Pages of newsletters: the list, the editor's views, preview and checks, versions, tests."""
