"""Social pictures: all of one post with a partner's logo and colour, and all of a toolkit's without a partner."""

from __future__ import annotations

import time
from datetime import date

from benchmarks.stage import Figure, written
from newsletters.packs.partner import Partner
from newsletters.social.post_pictures import SIZES, branded_files, drawn_post
from newsletters.toolkit_store.showcase import showcase
from newsletters.toolkit_store.store import shipped_toolkit

PARTNERS = 10


def main(partners: int = PARTNERS) -> list[Figure]:
    """Draw the shipped toolkit's; fonts are read once, in the first of them."""
    toolkit = shipped_toolkit("community-makes-us")
    pieces = showcase(toolkit, "https://news.coalition.org", date(2026, 5, 4)).pieces("social", "en")
    wall, used = time.perf_counter(), time.process_time()
    for number in range(partners):
        partner = Partner(f"Partner {number}", "", logo=toolkit.images["clapping"], accent="#7a1f5c")
        list(branded_files(toolkit, pieces[number % len(pieces)], partner))
    seconds, used = time.perf_counter() - wall, time.process_time() - used
    own = Figure("one post's pictures, branded", partners, seconds, "5 s each", cpu_seconds=used)
    wall, used = time.perf_counter(), time.process_time()
    for piece in pieces:
        for size in SIZES:
            drawn_post(toolkit, piece, size)
    seconds, used = time.perf_counter() - wall, time.process_time() - used
    amount = len(pieces) * len(SIZES)
    shared = Figure("a toolkit's pictures, large and small", amount, seconds, "", cpu_seconds=used)
    written("social_pictures", [own, shared])
    return [own, shared]
