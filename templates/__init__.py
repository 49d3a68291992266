"""What things look like: email layouts and blocks, web pages, static files."""
