"""The names by which programs say that they are no person's browser or mail program.

Sources: monperrus/crawler-user-agents (MIT) and matomo/device-detector's bots.yml, both as of July and August 2026, for
crawlers, previews and libraries; neither knows the security gateways, whose names are from their own documentation.

Not in the list, although those two have them: GoogleImageProxy, YahooMailProxy and the like, which fetch a picture when
a person opens the mail (with them, every open at Gmail and Yahoo would be lost); `ms-office`, which is Outlook itself;
`okhttp`, `CFNetwork` and `Dalvik`, which mail programs on phones use.
"""

from __future__ import annotations

import re

_NAMES = (
    # Crawlers. Cubot makes phones.
    r"(?<!cu)bot\b", r"crawler", r"spider", r"slurp", r"facebookexternalhit", r"meta-externalagent", r"mediapartners",
    r"google-safety", r"google web preview", r"google-read-aloud", r"bingpreview", r"ia_archiver",
    # Previews in chats, when somebody shares a link.
    r"whatsapp/", r"skypeuripreview", r"slack-imgproxy", r"linkpreview",
    # Libraries and tools.
    r"curl/", r"wget/", r"python-requests", r"python-urllib", r"python-httpx", r"aiohttp", r"go-http-client", r"^java/",
    r"apache-httpclient", r"libwww-perl", r"node-fetch", r"axios/", r"headlesschrome", r"phantomjs", r"puppeteer",
    r"playwright", r"selenium",
    # Security gateways and link checkers.
    r"barracuda", r"mimecast", r"proofpoint", r"messagelabs", r"symantec", r"sophos", r"trendmicro", r"trend micro",
    r"fireeye", r"forcepoint", r"cloudmark", r"virustotal", r"urlscan", r"phishtank", r"safebrowsing", r"linkcheck",
    r"link checker", r"urldefense", r"threat ?intel", r"sandbox",
)  # fmt: skip
_NAMED = re.compile("|".join(_NAMES), re.IGNORECASE)


def names_itself(user_agent: str) -> bool:
    """Return whether a User-Agent has the name of a program that no person reads with."""
    return _NAMED.search(user_agent) is not None
