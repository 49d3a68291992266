"""Send a draft as a person saw it: a second person's approval, and the launch, which happens once."""
