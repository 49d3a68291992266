"""Social posts: a toolkit's own, sorted by the networks that have room for them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

# Signs that a post may have. X and Mastodon count every address as 23.
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


def length(post: str, network: str) -> int:
    """How many signs `network` counts in `post`."""
    return len(_ADDRESS.sub("." * 23, post) if network in _SHORT_LINKS else post)


def social_files(posts: Sequence[str]) -> dict[str, str]:
    """A file for each network with the posts that fit there; none where no post does."""
    files = {}
    for key, (name, room) in NETWORKS.items():
        fitting = [post for post in posts if length(post, key) <= room]
        if fitting:
            said = f"{name}: {len(fitting)} posts" if len(fitting) > 1 else f"{name}: 1 post"
            files[f"{key}.txt"] = (
                f"{said}, at most {room:,} signs each.\n\n"
                + "\n\n".join(
                    f"--- {number} ({length(post, key)} signs)\n\n{post}"
                    for number, post in enumerate(fitting, start=1)
                )
                + "\n"
            )
    return files
