"""The toolkit store: toolkits found by name, added for all machines, and shown to readers."""
