"""Pages about newsletters: the list, the editor's views, previews and checks, versions, tests, and the send wizard."""
