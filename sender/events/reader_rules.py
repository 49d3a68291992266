"""The rule set: which opens and clicks ("hits") are a person's, a machine's, or unknown.

Every hit is kept, with its class and the names of the rules that decided it (`events.open_class`, `rules`). The version
of the rule set is kept with the campaign (`campaign_intake.rule_set`). Rules about one hit decide when it is taken in;
sender/events/classify.py compares the hits of a campaign with each other later.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, lru_cache
from itertools import chain, combinations
from typing import Literal

from sender.events.program_names import names_itself

# Raise it with every change that can decide a hit otherwise, also in the list of names: figures of two rule sets are
# never compared. Each campaign is then classified again. 1 knew only the flag, HEAD and the prefetchers, 2
# judged no domain of fewer than five people.
RULE_SET = 3

HitClass = Literal["human", "machine", "unknown"]

# Of 836 scans in a production log (craft-campaign #546, August 2026), 98 % clicked within five minutes of the sending,
# 0.5 % in the first ten seconds; all of them several links at once.
BURST_LINKS, BURST_WITHIN = 4, timedelta(seconds=2)
# A scanner's pixel comes before its clicks; in that log by half a minute.
BEFORE_BURST, AFTER_BURST = timedelta(seconds=60), timedelta(seconds=10)
EARLY = timedelta(minutes=5)
# Of mails that are counted without persons so many must have arrived in these minutes for a hit to be early.
FRESH_SHARE = 0.05
# Three links at least: of two links, an eager reader follows both.
MOST_LINKS, MOST_LINKS_SHARE = 3, 0.6
GUARDED_PEOPLE, GUARDED_SHARE = 5, 0.3
# Small domains are judged together. People who click so soon are few of those who click: 2 % if the median is three
# hours. So half of the clickers are scanners even if only one mail in twenty is scanned.
SMALL_SHARE, SMALL_OF_CLICKERS = 0.05, 0.5
# If nine of ten mails are clicked at once, all are scanned, and a first click that comes late is a late scan: of the
# 836 scans 2.6 % came later than five minutes.
ALL_SCANNED = 0.9
SWEEP_WITHIN = timedelta(minutes=2)

# Gmail prefetches pictures for some readers with exactly this ending (SparkPost's published rule, 2021).
_GMAIL_PREFETCH = "Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0"
# Apple's Mail Privacy Protection sends this User-Agent and nothing more (ClickDimensions' published rule).
_APPLE_PREFETCH = "Mozilla/5.0"


@dataclass(frozen=True)
class ReaderRule:
    """One rule: its name beside the hits, the class that it gives them, and its definition for people."""

    name: str
    gives: HitClass
    definition: str


FLAG, HEAD, APPLE, GMAIL, NAMED = "provider-flag", "head", "apple-prefetch", "gmail-prefetch", "named-program"
BURST, MOST, GUARDED = "burst", "most-links", "guarded-domain"
NO_NAME, OTHER_ADDRESS = "no-name", "other-address"
RULES = (
    ReaderRule(FLAG, "machine", "the provider says that a machine fetched it (SendGrid: `sg_machine_open`, Apple's "
               "prefetching only)"),
    ReaderRule(HEAD, "machine", "a link was requested with HEAD, which shows no page to anybody"),
    ReaderRule(APPLE, "machine", "the program calls itself exactly `Mozilla/5.0`, as Apple's prefetcher does"),
    ReaderRule(GMAIL, "machine", "the program has the name of Gmail's prefetcher"),
    ReaderRule(NAMED, "machine", "the program says that it is a crawler, a preview, a library or a security gateway "
               "(the list is `sender/events/program_names.py`)"),
    ReaderRule(BURST, "machine", f"at least {BURST_LINKS} links of the mail were followed within "
               f"{BURST_WITHIN.seconds} seconds; also its hits from {BEFORE_BURST.seconds} seconds before to "
               f"{AFTER_BURST.seconds} after"),
    ReaderRule(MOST, "machine", f"at least {MOST_LINKS_SHARE:.0%} of the mail's links, and at least {MOST_LINKS}, were "
               "followed within five minutes of its delivery, or at a guarded domain (see below) within two minutes at "
               "any time; also its other hits in these minutes"),
    ReaderRule(GUARDED, "machine", f"the mail's domain is an organisation's own, with at least {GUARDED_PEOPLE} people "
               f"of the campaign, and at least {GUARDED_SHARE:.0%} of them clicked within five minutes of delivery; no "
               f"hit in these minutes is a person's, and if {ALL_SCANNED:.0%} did, no first click at any time (with "
               f"its opens in the {BEFORE_BURST.seconds} seconds before). All smaller such domains are judged "
               f"together: guarded if at least {GUARDED_PEOPLE} people, {SMALL_SHARE:.0%} of all and "
               f"{SMALL_OF_CLICKERS:.0%} of the clickers, clicked within five minutes"),
    ReaderRule(NO_NAME, "unknown", "the program does not say its name"),
    ReaderRule(OTHER_ADDRESS, "unknown", "a click on an address that is no tracked link of the mail"),
)  # fmt: skip
_GIVES = {rule.name: rule.gives for rule in RULES}
# These say something about a hit that can't be found out again, so they stay with it.
LASTING = (FLAG, HEAD)


def judge_hit(user_agent: str, *, known: Collection[str] = ()) -> tuple[HitClass, str]:
    """Return the class of one hit and the rules that decide it; `known` are rules that its request or report meets."""
    return class_of([*known, *_by_name(user_agent.strip())])


def class_of(rules: Collection[str]) -> tuple[HitClass, str]:
    """Return the class that these rules give together, and their names in the order of `RULES`."""
    gives = {_GIVES[name] for name in rules}
    found: HitClass = "machine" if "machine" in gives else "unknown" if gives else "human"
    return found, " ".join(name for name in _GIVES if name in rules)


@cache
def classes() -> Mapping[str, HitClass]:
    """Return the class of each possible set of rules, by their names in the order of `RULES`."""
    sets = chain.from_iterable(combinations(_GIVES, count) for count in range(len(RULES) + 1))
    return {" ".join(names): class_of(names)[0] for names in sets}


@lru_cache(maxsize=4096)
def _by_name(user_agent: str) -> tuple[str, ...]:
    if not user_agent:
        return (NO_NAME,)
    if user_agent == _APPLE_PREFETCH:
        return (APPLE,)
    if user_agent.endswith(_GMAIL_PREFETCH):
        return (GMAIL,)
    return (NAMED,) if names_itself(user_agent) else ()
