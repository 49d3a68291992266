"""Pages of toolkits: the campaign, its emails, posts and website copy, and the private pages of organisations."""
