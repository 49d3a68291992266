"""Commands about member organisations: their details, packs and hand-outs."""
