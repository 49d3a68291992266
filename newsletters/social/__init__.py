"""Pictures, banners and posts that member organisations share; typeset here, in every script that has a font."""
