"""Make it yours: a ready-made email in an organisation's own brand, from what somebody types on a page."""
