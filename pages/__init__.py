"""The front door for readers: public pages, without sessions or cookies."""
