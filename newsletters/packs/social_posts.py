"""Social posts: a toolkit's own, sorted by the networks that have room for them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

# Characters that a post may have. X and Mastodon count every address as 23.
NETWORKS: Mapping[str, tuple[str, int]] = {
    "x": ("X", 280),
    "bluesky": ("Bluesky", 300),
    "mastodon": ("Mastodon", 500),
    "threads": ("Threads", 500),
    "instagram": ("Instagram", 2_200),
    "linkedin": ("LinkedIn", 3_000),
    "facebook": ("Facebook", 63_206),
}
_SHORT_LINKS = frozenset({"x", "mastodon"})
_ADDRESS = re.compile(r"https?://\S+")
# X counts all others twice: emoji, Chinese (its own twitter-text, configuration v3).
_SINGLE = re.compile(r"[\u0000-\u10ff\u2000-\u200d\u2010-\u201f\u2032-\u2037]")


def length(post: str, network: str) -> int:
    """Return how many characters `network` counts in `post`; a few too many for a composed emoji on X."""
    counted = _ADDRESS.sub("." * 23, post) if network in _SHORT_LINKS else post
    return len(counted) + (sum(not _SINGLE.match(sign) for sign in counted) if network == "x" else 0)


def social_files(posts: Sequence[tuple[str, Sequence[str]]]) -> dict[str, str]:
    """Return a file for each network with the posts that fit there; none if no post fits.

    A post is its text, and what to know of it.
    """
    files = {}
    for key, (name, room) in NETWORKS.items():
        fitting = [post for post in posts if length(post[0], key) <= room]
        if fitting:
            said = f"{len(fitting)} posts" if len(fitting) > 1 else "1 post"
            head = f"{name} takes {room:,} characters at most, and {said} of this campaign fit.\n\n"
            files[f"{key}.txt"] = head + "\n\n".join(
                f"--- {number} ({', '.join((f'{length(text, key)} characters', *about))})\n\n{text}\n"
                for number, (text, about) in enumerate(fitting, start=1)
            )
    return files
