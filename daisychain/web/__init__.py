"""Parts that both web applications need: their own address, networks that ask, and limits on tries."""
