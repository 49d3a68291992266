"""The classification of an open or click: a human, a machine, or unknown.

Only prefetching is a machine here. Scanners that open every link (Defender, Barracuda, Mimecast, Proofpoint) mostly
send a browser's User-Agent, so the User-Agent does not show them.
"""

from __future__ import annotations

from typing import Literal

# Gmail prefetches pictures for some readers with exactly this ending (SparkPost's published rule, 2021). Its image
# proxy (GoogleImageProxy), like Yahoo's, fetches when a person opens the mail; bot lists wrongly call both bots, which
# would delete every open at Gmail and Yahoo.
_GMAIL_PREFETCH = "Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0"
# Apple's Mail Privacy Protection sends this User-Agent and nothing more.
_APPLE_PREFETCH = "Mozilla/5.0"


def classify(user_agent: str, *, flagged: bool = False) -> Literal["human", "machine", "unknown"]:
    """Classify the fetch of a pixel or link by its User-Agent.

    `flagged` is the provider's own verdict (`sg_machine_open`). Only True proves anything: SendGrid reports Apple's
    prefetching only, and not if a proxy in between drops X-Forwarded-For.
    """
    if flagged or user_agent == _APPLE_PREFETCH or user_agent.endswith(_GMAIL_PREFETCH):
        return "machine"
    return "human" if user_agent else "unknown"
