"""Partner packs: a newsletter in a member organisation's brand, ready for the tool that it sends with."""
