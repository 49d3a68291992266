"""Readers whose reading is known: mail programs, image proxies, blocked images, forwards, and five kinds of scanner.

Rates are of the kind that was measured for charities. Organisations' domains are of all sizes; a scanner guards whole
domains. Of the scans, 97.4 % come within five minutes of delivery, as in the log that the rules were made from.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

LINKS = 6
START = 1_795_000_000
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
# Scanner styles: how many seconds it takes to follow the links, and the share of scanners that follow only one.
STYLES = {"within 2 s": (2.0, 0.0), "over 10 s": (10.0, 0.0), "over 60 s": (60.0, 0.0),
          "half of them one link": (2.0, 0.5), "one link": (2.0, 1.0)}  # fmt: skip
MOST_LINKS_STYLES = ("within 2 s", "over 10 s", "over 60 s")
LATE = 0.026

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
THUNDERBIRD = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:131.0) Gecko/20100101 Thunderbird/128.4.0"
BROWSERS = (PHONE, CHROME, FIREFOX)
GMAIL_PROXY = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
GMAIL_PREFETCH = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0"
)
YAHOO_PROXY = "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html"
APPLE = "Mozilla/5.0"
PUBLIC = ("gmail.com", "hotmail.co.uk", "yahoo.co.uk", "icloud.com", "btinternet.com", "sky.com")


@dataclass(frozen=True)
class World:
    """A population, its mail programs by weight, and who guards its mail."""

    name: str
    programs: dict[str, float]
    people: int = 4_000
    read: float = 0.30
    click: float = 0.105  # of those who read
    organisations: float = 0.0  # share of people at their organisation's own domain
    guarded: float = 0.0  # share of these domains with a scanner
    style: str = "within 2 s"
    forwards: float = 0.02  # share of mails that somebody else gets, too


_HOME = {"apple": 0.31, "gmail": 0.34, "yahoo": 0.06, "plain": 0.14, "blocked": 0.14, "nameless": 0.01}
_OFFICE = {"apple": 0.08, "gmail": 0.12, "plain": 0.30, "blocked": 0.49, "nameless": 0.01}
CONSUMERS = World("consumers", _HOME)
MIXED = World("consumers, and 10 % of people behind scanners", _HOME, organisations=0.175, guarded=0.57)
ORGANISATIONS = World("organisations, 57 % of people behind scanners", _OFFICE, organisations=1.0, guarded=0.57)
OFFICES = World("organisations without scanners, images mostly off", {"plain": 0.26, "blocked": 0.74},
                organisations=1.0, read=0.26)  # fmt: skip
ICLOUD = World("iCloud only", {"apple": 0.9, "plain": 0.08, "blocked": 0.02})


@dataclass(frozen=True)
class Hit:
    """One event about the mail of a person, as a provider would report it; `link` is for clicks."""

    person: int
    kind: str  # SendGrid's
    at: float
    program: str = ""
    flagged: bool = False
    link: int | None = None


@dataclass
class Truth:
    """What really happened in one run."""

    addresses: list[str]
    hits: list[Hit] = field(default_factory=list)  # in any order, and some twice
    readers: set[int] = field(default_factory=set)
    clickers: set[int] = field(default_factory=set)  # a person clicked, the reader or whom they forwarded it to
    delivered: set[int] = field(default_factory=set)


def simulate(world: World, seed: int) -> Truth:
    """Simulate one campaign; the same seed gives the same run."""
    chance = random.Random(f"{world} {seed}")
    domains = list(_domains(world, chance))
    truth = Truth([f"reader{number}@{domain}" for number, (domain, _) in enumerate(domains)])
    scanners = {domain: chance.random() < STYLES[world.style][1] for domain, guarded in domains if guarded}
    programs, weights = list(world.programs), list(world.programs.values())
    for person, (domain, guarded) in enumerate(domains):
        arrived = START + person / 100 + (chance.uniform(0, HOUR) if chance.random() < 0.03 else chance.uniform(1, 9))
        if chance.random() < 0.01:
            truth.hits.append(Hit(person, "bounce", arrived))
            continue
        truth.delivered.add(person)
        truth.hits.append(Hit(person, "delivered", int(arrived)))
        if guarded:
            truth.hits += _scan(person, arrived, world, scanners[domain], chance)
        truth.hits += _reader(truth, person, arrived, chance.choices(programs, weights)[0], world, chance)
    # A provider repeats some events, and reports them in any order.
    truth.hits += chance.sample(truth.hits, len(truth.hits) * 3 // 100)
    chance.shuffle(truth.hits)
    return truth


def _domains(world: World, chance: random.Random) -> Iterator[tuple[str, bool]]:
    """Yield each person's domain, and whether a scanner guards it."""
    theirs = round(world.people * world.organisations)
    for _ in range(world.people - theirs):
        yield chance.choice(PUBLIC), False
    number = 0
    while theirs:
        # By people: of thirteen, one is alone, one in a group of two to four, and eleven in larger ones.
        size = chance.choices((1, chance.randint(2, 4), chance.randint(5, 60)), (1, 1 / 3, 11 / 32))[0]
        size, number = min(size, theirs), number + 1
        guarded = chance.random() < world.guarded
        yield from ((f"office{number}.example", guarded) for _ in range(size))
        theirs -= size


def _scan(person: int, arrived: float, world: World, one_link: bool, chance: random.Random) -> Iterator[Hit]:
    """Fetch the pixel and follow links, as a browser, before or about when the mail gets to the mailbox."""
    delay = min(max(chance.lognormvariate(3.76, 0.8), 5.0), 230.0)  # the median is 43 s
    if chance.random() < LATE:
        delay = chance.uniform(6 * MINUTE, HOUR)
    begin = arrived + delay
    if chance.random() < 0.8:
        yield Hit(person, "open", begin - chance.uniform(1, min(34.0, delay)), CHROME)
    if one_link:
        yield Hit(person, "click", begin, CHROME, link=chance.randrange(LINKS))
        return
    links = [link for link in range(LINKS) if chance.random() < 0.95]
    for link in links:
        yield Hit(person, "click", begin + chance.uniform(0, STYLES[world.style][0]), CHROME, link=link)


def _reader(
    truth: Truth, person: int, arrived: float, program: str, world: World, chance: random.Random
) -> Iterator[Hit]:
    """Read the mail or not, with the traces that the program leaves."""
    if program == "apple":
        yield (prefetch := Hit(person, "open", arrived + chance.uniform(5, 6 * HOUR), APPLE, flagged=True))
        if chance.random() < 0.002:  # in the very second of it, the person opens it elsewhere
            truth.readers.add(person)
            yield replace(prefetch, program=PHONE, flagged=False)
    if program == "gmail" and chance.random() < 0.04:
        yield Hit(person, "open", arrived + chance.uniform(1, HOUR), GMAIL_PREFETCH)
    if chance.random() >= world.read:
        return
    truth.readers.add(person)
    at = arrived + chance.lognormvariate(9.3, 1.8)  # the median is three hours; 2 % read within five minutes
    if shown := {"gmail": GMAIL_PROXY, "yahoo": YAHOO_PROXY, "plain": chance.choice((PHONE, THUNDERBIRD))}.get(program):
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            yield Hit(person, "open", at + chance.uniform(0, MINUTE), shown)
    if program == "nameless":
        yield Hit(person, "open", at)
    if chance.random() < world.click:
        truth.clickers.add(person)
        yield from _clicks(person, at, chance)
    if chance.random() < 0.6 * world.forwards / world.read:  # and somebody opens what was forwarded
        later = at + chance.uniform(MINUTE, DAY)
        yield Hit(person, "open", later, chance.choice(BROWSERS))
        if chance.random() < 0.2:
            truth.clickers.add(person)
            yield from _clicks(person, later, chance)
    if chance.random() < 0.01:
        yield Hit(person, chance.choice(("spamreport", "group_unsubscribe", "group_unsubscribe")), at + MINUTE)


def _clicks(person: int, at: float, chance: random.Random) -> Iterator[Hit]:
    program = chance.choice(BROWSERS)
    # The first links get most of the clicks.
    for link in dict.fromkeys(
        chance.choices(range(LINKS), (62, 32, 12, 9, 8, 14), k=chance.choice((1, 1, 1, 1, 2, 3)))
    ):
        at += chance.uniform(4, 90)
        yield Hit(person, "click", at, program, link=link)
