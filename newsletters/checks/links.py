"""Links: required links, links that lead nowhere for readers, and links that give away who somebody is."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from email.utils import parseaddr
from urllib.parse import parse_qsl, unquote, urlsplit

from daisychain.hosts import RESERVED, ip_of, is_public, is_under
from newsletters.checks.finding import Code, Finding, Subject
from newsletters.checks.reachable import Reach
from newsletters.packs.partner_links import PARTNER, hosts_of
from newsletters.tokens import Kind

UNSUBSCRIBE = Code(
    "links-unsubscribe", "error", "No unsubscribe link",
    why="Readers have a right to leave, and mailbox providers refuse mail without it.",
    fix="Keep the footer in the layout.", firm=True,
)  # fmt: skip
VIEW = Code(
    "links-view", "warning", "No link to view it in the browser",
    why="Some mail programs show newsletters badly.", fix="Keep it in the layout.",
)  # fmt: skip
NO_SCHEME = Code(
    "links-no-scheme", "error", "A link that is not a web address",
    why="A mail has no page that the link could be relative to.", fix="Begin it with https://.",
)  # fmt: skip
NO_TARGET = Code(
    "links-no-target", "error", "A link to a missing place in the mail",
    why="Nothing in a mail has a name that a link could lead to, and mail programs differ.",
    fix="Link to a web page, or say which heading you mean.",
)  # fmt: skip
USER_NAME = Code(
    "links-user-name", "error", "A link with a user name or password in it",
    why="Every reader gets it, and browsers and spam filters take such addresses for fraud.",
    fix="Delete what is before the @; a mail address begins with mailto:.",
)  # fmt: skip
REWRITTEN = Code(
    "links-rewritten", "error", "A link that a security program rewrote",
    why="It carries a colleague's address, hides where it leads, and stops working when the program forgets it.",
    fix="Open it, and copy the address that it leads to.",
)  # fmt: skip
BAD_ADDRESS = Code(
    "links-bad-address", "error", "A mail link without a whole address",
    why="Readers who click it get a mail to nobody.", fix="Write it as mailto:name@your-charity.org.",
)  # fmt: skip
NOT_PUBLIC = Code(
    "links-not-public", "error", "A link to a private, local or staging site",
    why="Readers can't reach a site on your own machine or network.", fix="Use the public address.",
)  # fmt: skip
EXAMPLE = Code(
    "links-example", "error", "A link to a domain that is only for examples",
    why="Nobody can own such a domain, so readers find nothing there.", fix="Replace it with the real address.",
)  # fmt: skip
NOT_SECURE = Code(
    "links-not-secure", "warning", "A link that is http, not https",
    why="Browsers warn readers about it.", fix="Try the address with https://.",
)  # fmt: skip
PERSONAL = Code(
    "links-personal", "error", "A link copied out of somebody's mail",
    why="It carries one reader's key: every click would count as theirs, or unsubscribe them.",
    fix="Open it, and copy the address that it leads to, without the part that says who came.",
)  # fmt: skip
TRACKED_TWICE = Code(
    "links-tracked-twice", "warning", "A tracking parameter given twice in one link",
    why="Statistics use one of the two, and you can't know which.", fix="Keep one of them.",
)  # fmt: skip
PARTNER_CODE = Code(
    "links-partner-code", "warning", "A link to our own site with a partner's code in it",
    why="Packs keep such a code, so all partners' readers would count as that partner's.",
    fix="Leave the parameter out: `newsletter pack` adds each partner's own.",
)  # fmt: skip
SAME_WORDS = Code(
    "links-same-words", "warning", "The same words lead to different places",
    why="People who hear the links read out can't tell them apart.", fix="Say in each link where it leads.",
)  # fmt: skip
SAME_PLACE = Code(
    "links-same-place", "hint", "Many different words for the same link",
    why="Readers may open the same page again and again, looking for something else.",
    fix="Check that each is right; use the same words for the same page.",
)  # fmt: skip
DEAD = Code(
    "links-dead", "error", "A link that leads to no page",
    why="Readers who follow it find nothing.", fix="Correct the address, or delete the link.",
)  # fmt: skip
UNSURE = Code(
    "links-unsure", "hint", "A link that could not be checked",
    why="The site gave no clear answer to a program; it may answer a person.", fix="Open it in a browser.",
)  # fmt: skip

_NOT_PUBLIC = re.compile(
    r"(^|[.-])(localhost|staging|stage|test|dev|preview|uat)([.-]|$)|\.(local|internal|invalid|lan|home|corp)$"
)
# Click and unsubscribe addresses of other tools, and the parameters that identify a reader.
_TRAIL = re.compile(
    r"/ls/click\?|list-manage\.com/(track|unsubscribe|profile)|/track/click|r\.mail\w*\.|\.createsend\d*\.com/t/"
    r"|[?&](mc_eid|mkt_tok|vero_id|_hsenc|_hsmi|ck_subscriber_id|bsft_clkid|sib_?id|_kx|dm_i|oly_enc_id|mibextid)="
)
# Our pages of one delivery, whose key is 16 bytes as 22 signs; words have no capitals inside.
_OUR_KEY = re.compile(r"/(?:[cuvo]|preferences)/(?=[^/]*[A-Z])[A-Za-z0-9_-]{21}[AQgw](?:[/.?#]|$)")
# Microsoft's Safelinks (in Teams too), Proofpoint's, Mimecast's, Barracuda's, Symantec's, Cisco's, Trend Micro's,
# Sophos's; Check Point's and Avanan's, FireEye's, Trustwave's, Hornetsecurity's, MailGuard's, Menlo's.
_REWRITTEN = re.compile(
    r"(^|\.)(safelinks\.protection\.outlook\.(com|de|us|office365\.us)|urldefense(\.proofpoint)?\.com|urldefense\.us"
    r"|(protect|url)-?[\w.]*\.mimecast(protect)?\.com|mimecastprotect\.com|linkprotect\.cudasvc\.com|clicktime\.symantec\.com"
    r"|secure-web\.cisco\.com|\w+\.trendmicro\.com|protection\.sophos\.com"
    r"|statics\.teams\.cdn\.office\.net|url\.emailprotection\.link|(protect|url)\.(checkpoint\.com|avanan\.click)"
    r"|[\w.-]*url-protection\.com|protect\d*\.fireeye\.com|scanmail\.trustwave\.com|atpscan\.global\.hornetsecurity\.com"
    r"|linkscan\.io|checklink\.mailguard\.com\.au|safe\.menlosecurity\.com)$"
)
_HELD = re.compile(r"__(https?:[^_](?:(?!__https?:)\S)*?)__;|[?&](?:url|u|a)=(https?[:%][^&]+)")
_LONGEST_HOST = 253
_LABEL = re.compile(r"[^\W_](?:[\w-]*[^\W_])?|_\w+")
_OUR_PAGE = re.compile(r"/(?:toolkits|packs)/")
_MANY_WORDS = 3


def check(subject: Subject) -> Iterator[Finding]:
    """Yield findings about links."""
    yield from _required(subject)
    places = {url: place for url, place, _ in _links(subject)}
    for url, place in places.items():
        yield from _address(subject, url, place)
    yield from _duplicates(subject)
    if subject.online:
        yield from _tried(subject.online, places)


def _required(subject: Subject) -> Iterator[Finding]:
    email = subject.email
    parts = {"HTML": email.html, "plain text": email.text}
    for kind, code, what in (
        (Kind.UNSUBSCRIBE, UNSUBSCRIBE, "unsubscribe link"), (Kind.VIEW, VIEW, "link to view it in the browser"),
    ):  # fmt: skip
        missing = [name for name, part in parts.items() if email.mint.write(kind) not in part]
        if missing:
            yield code.at(subject.document.place("layout"), f"The {' and the '.join(missing)} has no {what}.")


def _links(subject: Subject) -> Iterator[tuple[str, str, str]]:
    """Yield address, place and words of each link that leads away from us, without merge fields."""
    token = subject.email.mint.pattern()
    for node in subject.tree.css("a[href]"):
        href = (node.attributes["href"] or "").strip()
        # A token at the start is a whole address.
        if not token.match(href) and not _OUR_PAGE.match(href):
            literal = token.split(href)[0]
            pictures = [image.attributes.get("alt") or "" for image in node.css("img")]
            words = " ".join([subject.plain(node.text(deep=True)), *pictures])
            yield subject.plain(href), subject.place(node, literal), " ".join(words.split())


def _address(subject: Subject, url: str, place: str) -> Iterator[Finding]:
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    if url.startswith("#"):
        yield NO_TARGET.at(place, f"Nothing in the mail is named {url[1:]!r}.")
    elif not scheme:
        yield NO_SCHEME.at(place, f"The link {url!r} is not a web address.")
    elif scheme in ("tel", "sms") and not any(map(str.isdigit, subject.plain(url))):
        yield BAD_ADDRESS.at(place, f"The link {url!r} has no number.", fix="Write it as tel:+44 20 7946 0000.")
    elif scheme == "mailto":
        yield from _mail_address(url, place)
    elif scheme in ("http", "https"):
        yield from _web_address(subject, url, place)
        yield from _parameters(subject, url, place)


def _mail_address(url: str, place: str) -> Iterator[Finding]:
    address = unquote(urlsplit(url).path)
    name, _, domain = parseaddr(address)[1].rpartition("@")
    shares = not address and "body=" in urlsplit(url).query.lower()  # to whom, the reader decides (RFC 6068, 2)
    if not (name and "." in domain) and not shares:
        yield BAD_ADDRESS.at(place, f"The link {url!r} has no whole address.")


def _web_address(subject: Subject, url: str, place: str) -> Iterator[Finding]:
    host = urlsplit(url).hostname or ""
    if "@" in urlsplit(url).netloc:
        yield USER_NAME.at(place, f"The link {url!r} has a user name before {host!r}.")
    elif host and not _is_host(url):
        yield NO_SCHEME.at(
            place, f"The link {url!r} has no host that can be: {urlsplit(url).netloc!r}.", fix="Correct it."
        )
    elif _REWRITTEN.search(host[-_LONGEST_HOST:]):
        held = _HELD.search(url)
        fix = f"Write {unquote(held[1] or held[2])} instead." if held else ""
        yield REWRITTEN.at(place, f"The link leads to {host}, which rewrote it.", fix=fix)
    else:
        yield from _host(subject, url, host, place)


def _is_host(url: str) -> bool:
    """Return whether the host and the port of `url` may exist."""
    try:
        parts = urlsplit(url)
        _ = parts.port
        labels = (parts.hostname or "").removesuffix(".").split(".")
    except ValueError:
        return False
    if parts.port == 0 or (labels[-1].isdigit() and not ip_of(parts.hostname or "")):
        return False
    return bool(ip_of(parts.hostname or "")) or all(len(each) < 64 and _LABEL.fullmatch(each) for each in labels)


def _host(subject: Subject, url: str, host: str, place: str) -> Iterator[Finding]:
    if not host or _is_hidden(host):
        yield NOT_PUBLIC.at(place, f"The link {url!r} leads to {host or 'nowhere'}.")
    elif is_under(host, RESERVED) and not subject.is_demonstration:
        yield EXAMPLE.at(place, f"The link {url!r} leads to {host}, which is only for examples.")
    elif urlsplit(url).scheme.lower() == "http":
        yield NOT_SECURE.at(place, f"The link {url!r} is http, not https.")


def _parameters(subject: Subject, url: str, place: str) -> Iterator[Finding]:
    if found := _personal(url):
        yield PERSONAL.at(place, f"The link {url!r} was copied from a mail: {found[0].strip('?&=')!r} says whose.")
    names = [name.lower() for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)]
    if PARTNER in names and urlsplit(url).hostname in hosts_of(subject.toolkit.links.values(), ""):
        yield PARTNER_CODE.at(place, f"The link {url!r} has the parameter {PARTNER!r}.")
    if twice := sorted({name for name in names if name.startswith("utm_") and names.count(name) > 1}):
        yield TRACKED_TWICE.at(place, f"The link {url!r} has {', '.join(twice)} twice.")


def _personal(url: str) -> re.Match[str] | None:
    """Return the part of `url` that identifies a reader."""
    return _TRAIL.search(url) or _OUR_KEY.search(urlsplit(url).path)


def _duplicates(subject: Subject) -> Iterator[Finding]:
    by_words: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
    by_place: dict[str, dict[str, str]] = defaultdict(dict)
    for url, place, words in _links(subject):
        if words:
            by_words[words.lower()].setdefault(url, (place, words))
            by_place[url].setdefault(words.lower(), place)
    for urls in by_words.values():
        if len(urls) > 1:
            place, words = list(urls.values())[1]
            yield SAME_WORDS.at(place, f"{words!r} leads to {' and to '.join(urls)}.")
    for url, said in by_place.items():
        if len(said) > _MANY_WORDS:
            yield SAME_PLACE.at(list(said.values())[-1], f"{url} is behind {', '.join(map(repr, said))}.")


def _tried(online: Reach, places: dict[str, str]) -> Iterator[Finding]:
    # To ask for somebody's own link would be their click, or unsubscribe them.
    hosts = {url: urlsplit(url).hostname or "" for url in sorted(places) if not _personal(url)}
    # Addresses that nobody can reach are already reported by their names.
    asked = [
        url for url, host in hosts.items() if online.loopback or not (_is_hidden(host) or is_under(host, RESERVED))
    ]
    for url, answer in online.answers(asked).items():
        if answer.dead:
            yield DEAD.at(places[url], f"The link {url!r} leads to no page: {answer.words}.")
        elif answer.words:
            yield UNSURE.at(places[url], f"The link {url!r} could not be checked: {answer.words}.")


def _is_hidden(host: str) -> bool:
    """Return whether the name `host` is for an inner network only."""
    address = ip_of(host)
    return not is_public(address) if address else "." not in host or bool(_NOT_PUBLIC.search(host))
