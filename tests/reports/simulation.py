"""Runs campaigns of simulated readers, compares reports with the truth, and writes the tables of docs/analysts.md.

python -m tests.reports.simulation
"""

from __future__ import annotations

import re
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import insert, select, text, update

from daisychain.database import Database
from daisychain.secret import installation_secret
from daisychain.settings import Settings
from newsletters.compiled import CompiledEmail, Link
from newsletters.tables import StoredEmail
from newsletters.tokens import Kind, Mint
from reports.estimates import Estimate, Nets, estimate_readers
from reports.people_counts import count_people
from reports.report import Report
from reports.whole_report import figures
from sender.event import IncomingEvent, digest
from sender.events.classify import classify_campaign
from sender.events.facts import BITS
from sender.events.reader_rules import RULE_SET, RULES, judge_hit
from sender.events.rollups import store_events, update_rollups
from sender.events.sendgrid_webhook import KINDS
from sender.events.sum_check import count_again
from sender.events.webhook_jobs import process_body, store_body
from sender.links.keys import KeyKind, Keys
from sender.links.reader_groups import Readers, make_groups
from sender.mailbox_providers import mailbox_provider
from sender.tables import Attempt, Batch, Campaign, Delivery
from tests.reports.simulated_readers import (
    CONSUMERS,
    ICLOUD,
    LINKS,
    MIXED,
    OFFICES,
    ORGANISATIONS,
    START,
    STYLES,
    Hit,
    Truth,
    World,
    simulate,
)  # fmt: skip

PAGE = Path(__file__).parent.parent.parent / "docs/analysts.md"
RUNS, COVERAGE_RUNS = 6, 400
MINT = Mint("0e1f2a3b")


def letter() -> CompiledEmail:
    """Make an email with as many links as the simulated ones have."""
    links = "".join(f'<a href="{MINT.write(Kind.LINK, number)}">Story {number}</a>' for number in range(LINKS))
    return CompiledEmail(
        nonce=MINT.nonce, subject="News", preheader="", html=f"<html><body>{links}</body></html>", text="News",
        slots=(), conditions=(), fields=(),
        links=tuple(Link(number, address(number), f"Story {number}", tracked=True) for number in range(LINKS)),
    ).hashed()  # fmt: skip


def address(link: int) -> str:
    return f"https://campaign.example/story/{link}"


@dataclass
class Staged:
    """A sent campaign to these addresses; its first delivery's id, and the keys of its mails."""

    database: Database
    campaign_id: int
    first: int
    attempt_id: int
    addresses: Sequence[str]
    readers: Sequence[int] = ()  # if they are counted without persons

    @property
    def keys(self) -> Keys:
        return Keys(installation_secret(self.database.settings))

    def classify(self) -> int:
        return classify_campaign(self.database, self.campaign_id)

    def report(self) -> Report:
        with self.database.engine.connect() as connection:
            return figures(connection, self.campaign_id)


def stage(database: Database, addresses: Sequence[str], **values: Any) -> Staged:
    """Make a campaign that was accepted for all of these addresses."""
    began = datetime.fromtimestamp(START, UTC)
    email = letter()
    with database.engine.begin() as connection:
        compiled = connection.scalar(text("SELECT id FROM compiled_emails WHERE hash = :hash"), {"hash": email.hash})
        compiled = compiled or connection.execute(
            insert(StoredEmail).values(hash=email.hash, content=email.to_json()).returning(StoredEmail.id)
        ).scalar_one()  # fmt: skip
        campaign = {
            "name": "News", "document": "", "source": "", "compiled_id": compiled, "provider": "sendgrid",
            "from_name": "Coalition", "from_address": "hello@coalition.example", "opens": "provider",
            "clicks": "provider", "state": "finished", "frozen_at": began, "intended": len(addresses), **values,
        }  # fmt: skip
        campaign_id = connection.execute(insert(Campaign).values(campaign).returning(Campaign.id)).scalar_one()
        first, last = connection.execute(
            text("""
                WITH added AS (
                    INSERT INTO deliveries (campaign_id, state, address, inputs)
                    SELECT :campaign, 'accepted', value, '{}' FROM json_array_elements_text(CAST(:addresses AS json))
                    RETURNING id)
                SELECT min(id), max(id) FROM added
            """),
            {"campaign": campaign_id, "addresses": orjson.dumps(list(addresses)).decode()},
        ).one()
        span = update(Campaign).where(Campaign.id == campaign_id)
        connection.execute(span.values(first_delivery=first, last_delivery=last))
        batch_id = connection.execute(
            insert(Batch)
            .values(campaign_id=campaign_id, compiled_id=compiled, first_id=first, last_id=last, state="done")
            .returning(Batch.id)
        ).scalar_one()
        attempt_id = connection.execute(
            insert(Attempt)
            .values(batch_id=batch_id, campaign_id=campaign_id, sender_id=1, people=len(addresses),
                    outcome="accepted", started_at=began, ended_at=began)
            .returning(Attempt.id)
        ).scalar_one()  # fmt: skip
        connection.execute(update(Batch).where(Batch.id == batch_id).values(attempt_id=attempt_id))
        assert count_again(connection, campaign_id)
    return Staged(database, campaign_id, first, attempt_id, addresses)


def without_persons(staged: Staged) -> Staged:
    """Let a campaign count without persons, as a freeze and the merging of its mails do."""
    with staged.database.engine.begin() as connection:
        campaign = update(Campaign).where(Campaign.id == staged.campaign_id)
        campaign = campaign.values(tracking="counted", opens="own", clicks="own").returning(Campaign.compiled_id)
        compiled_id = connection.execute(campaign).scalar_one()
        connection.execute(text("UPDATE deliveries SET state = 'waiting' WHERE id >= :first"), {"first": staged.first})
        make_groups(connection, staged.campaign_id, compiled_id, after=staged.first - 1)
        connection.execute(text("UPDATE deliveries SET state = 'accepted' WHERE id >= :first"), {"first": staged.first})
        readers = Readers(connection, staged.campaign_id, compiled_id)
        dimensions = connection.scalars(
            select(Delivery.dimensions).where(Delivery.id >= staged.first).order_by(Delivery.id)
        ).all()
    return replace(staged, readers=readers.draw(list(zip(staged.addresses, dimensions, strict=True))))


def store(staged: Staged, hits: Sequence[Hit]) -> None:
    """Store events past the webhook: as intake does after it has read and matched them."""
    now = datetime.now(UTC)
    for start in range(0, len(hits), 5_000):
        events = [_incoming(staged, hit) for hit in hits[start : start + 5_000]]
        with staged.database.engine.begin() as connection:
            update_rollups(connection, store_events(connection, events, now))


def _incoming(staged: Staged, hit: Hit) -> IncomingEvent:
    kind, at = KINDS[hit.kind], int(hit.at)
    read_as = staged.readers[hit.person] if staged.readers else staged.first + hit.person
    event = IncomingEvent(
        "sendgrid", kind, datetime.fromtimestamp(at, UTC),
        digest(hit.person, kind, at, hit.link, hit.program, hit.flagged),
        delivery_id=read_as if kind in ("opened", "clicked") else staged.first + hit.person,
        campaign_id=staged.campaign_id, link=hit.link,
        bounce="hard" if kind == "bounced" else "", user_agent=hit.program,
        mailbox=mailbox_provider(staged.addresses[hit.person]),
    )  # fmt: skip
    event.natural_key = digest(staged.campaign_id, event.natural_key)
    if kind in ("opened", "clicked"):
        event.open_class, event.rules = judge_hit(hit.program, known=["provider-flag"] if hit.flagged else [])
        event.compiled_id = 1
    return event


def report_by_webhook(staged: Staged, hits: Sequence[Hit]) -> None:
    """Report events as SendGrid does, in bodies that a job processes."""
    keys, attempt = staged.keys, staged.keys.attempt(staged.attempt_id)
    ids = range(staged.first, staged.first + len(staged.addresses))
    names = dict(zip(ids, keys.make(KeyKind.HEADER, ids), strict=True))
    for start in range(0, len(hits), 1_000):
        told = [
            {
                "email": staged.addresses[hit.person], "timestamp": int(hit.at), "event": hit.kind,
                "daisychain_delivery": names[staged.first + hit.person], "daisychain_attempt": attempt,
                "sg_event_id": f"{start}-{number}", "useragent": hit.program,
                **({"sg_machine_open": True} if hit.flagged else {}),
                **({"type": "bounce"} if hit.kind == "bounce" else {}),
                **({"url": address(hit.link), "url_offset": {"index": hit.link, "type": "html"}}
                   if hit.link is not None else {}),
            }
            for number, hit in enumerate(hits[start : start + 1_000])
        ]  # fmt: skip
        with staged.database.engine.begin() as connection:
            body_id = store_body(connection, orjson.dumps(told))
        with staged.database.engine.begin() as connection:
            process_body(connection, body_id, keys)


@dataclass(frozen=True)
class Run:
    """What was reported of one run, and what was true, as shares of the people delivered."""

    read: float
    seen: float
    fetched: float
    clicked_true: float
    clicked_alone: float  # by the rules about single hits
    clicked: float
    estimate: float | None
    covers: bool | None
    wide_covers: bool | None


def run(database: Database, world: World, seed: int) -> Run:
    """Report one simulated campaign."""
    truth = simulate(world, seed)
    staged = stage(database, truth.addresses)
    store(staged, truth.hits)
    alone = staged.report()["clicked"].rate
    staged.classify()
    return compared(truth, staged.report(), alone or 0.0)


def compared(truth: Truth, report: Report, alone: float) -> Run:
    """Compare a report with the truth."""
    whole, estimate = len(truth.delivered), report["read_estimated"]
    assert report["delivered"].numerator == whole
    read = len(truth.readers) / whole
    return Run(
        read, report["seen_reading"].rate or 0.0, report["opened_any"].rate or 0.0,
        len(truth.clickers) / whole, alone, report["clicked"].rate or 0.0, estimate.rate,
        *((low <= read <= high) if interval else None
          for interval in (estimate.sampling, estimate.wide) for low, high in [interval or (0.0, 0.0)]),
    )  # fmt: skip


def estimate_alone(truth: Truth) -> Estimate | None:
    """Estimate the readers without a database, by the rules about single hits: for many runs without scanners."""
    facts: defaultdict[int, int] = defaultdict(int)
    for hit in truth.hits:
        fact: str = KINDS[hit.kind]
        if hit.kind in ("open", "click"):
            fact += f"_{judge_hit(hit.program, known=['provider-flag'] if hit.flagged else [])[0]}"
        facts[hit.person] |= BITS["bounced_hard" if fact == "bounced" else fact]
    by_facts: defaultdict[int, int] = defaultdict(int)
    for bits in facts.values():
        by_facts[bits] += 1
    people = count_people(len(truth.addresses), by_facts, reported=True)
    nets = Nets(people["opened_human"], people["clicked"], people["opened_and_clicked"])
    return estimate_readers(nets, nets, people["reached"])


@dataclass(frozen=True)
class Coverage:
    """How often intervals hold the true number of readers, over the runs that are large enough for an estimate."""

    runs: int
    bias: float
    holds: float
    wide_holds: float


def coverage(world: World, runs: int) -> Coverage:
    """Estimate many simulated campaigns without scanners."""
    errors, holds, wide = [], 0, 0
    for seed in range(runs):
        truth = simulate(world, seed)
        if found := estimate_alone(truth):
            readers = len(truth.readers)
            errors.append((found.readers - readers) / len(truth.delivered))
            holds += found.sampling[0] <= readers <= found.sampling[1]
            wide += found.wide[0] <= readers <= found.wide[1]
    count = len(errors) or 1
    return Coverage(len(errors), statistics.fmean(errors or [0.0]), holds / count, wide / count)


# -- the tables of the page


def worlds() -> Iterator[tuple[World, str]]:
    """Yield each population of the table, with its scanners in words."""
    yield CONSUMERS, "none"
    yield ICLOUD, "none"
    yield OFFICES, "none"
    for world in (MIXED, ORGANISATIONS):
        yield from ((replace(world, style=style), style) for style in STYLES)


def table(database: Database, runs: int = RUNS) -> Iterator[str]:
    """Yield the lines of the table."""
    yield f"Rule set {RULE_SET}; {runs} runs of {CONSUMERS.people:,} people for each line, their means.\n"
    yield (
        "| people | scanners follow links | read, truly | seen reading | fetched by anything | clicked, truly | "
        "error of the click rate without comparing | error of the click rate |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    for world, style in worlds():
        found = [run(database, world, seed) for seed in range(runs)]
        assert all(each.seen <= each.read for each in found), (world.name, style)

        def mean(name: str, found: list[Run] = found) -> float:
            return statistics.fmean(getattr(each, name) for each in found)

        true = mean("clicked_true")
        yield (
            f"| {world.name} | {style} | {mean('read'):.1%} | {mean('seen'):.1%} | {mean('fetched'):.1%} "
            f"| {true:.1%} | "
            f"{100 * (mean('clicked_alone') - true):+.1f} | {100 * (mean('clicked') - true):+.1f} |"
        )  # fmt: skip


# People, how many of those who read click, and the share of forwarded mails.
ESTIMATED = ((4_000, 0.105, 0.0), (4_000, 0.15, 0.0), (4_000, 0.105, 0.02), (4_000, 0.15, 0.02), (20_000, 0.105, 0.02))


def coverage_table(runs: int = COVERAGE_RUNS) -> Iterator[str]:
    """Yield the lines of the table of estimates."""
    yield f"The estimate, {runs:,} runs for each line; runs with fewer than 50 people in both nets have none.\n"
    yield (
        "| people | click after reading | forwarded mails | runs with an estimate | error, in points | "
        "95 % interval holds | wide interval holds |"
    )
    yield "|---|---|---|---|---|---|---|"
    with ProcessPoolExecutor(2) as pool:
        yield from pool.map(partial(_coverage_line, runs), ESTIMATED)


def _coverage_line(runs: int, kind: tuple[int, float, float]) -> str:
    people, click, forwards = kind
    some = runs if people < 20_000 else runs // 5
    found = coverage(replace(CONSUMERS, people=people, click=click, forwards=forwards), some)
    return (
        f"| {people:,} | {click:.1%} | {forwards:.0%} | {found.runs / some:.0%} | {100 * found.bias:+.1f} | "
        f"{found.holds:.1%} | {found.wide_holds:.1%} |"
    )


def rules_table() -> Iterator[str]:
    """Yield the lines of the table of rules."""
    yield f"Rule set {RULE_SET}:\n"
    yield "| rule | makes a hit | if |"
    yield "|---|---|---|"
    yield from (f"| `{rule.name}` | {rule.gives} | {rule.definition} |" for rule in RULES)


def written(page: str, name: str, lines: Iterable[str]) -> str:
    """Return a page with other lines between its marks `name` and `end of name`."""
    marks = rf"(<!-- {name}: [^>]*-->\n).*?(<!-- end of {name} -->)"
    body = "\n" + "\n".join(lines) + "\n\n"
    return re.sub(marks, lambda found: found[1] + body + found[2], page, flags=re.DOTALL)


def main() -> None:
    """Write the tables into the page; with the argument `estimates` or `figures`, only this one."""
    page, only = PAGE.read_text(encoding="utf-8"), sys.argv[1:]
    page = written(page, "rules", rules_table())
    if only in ([], ["estimates"]):
        page = written(page, "estimates", shown(coverage_table()))
    if only in ([], ["figures"]):
        with tempfile.TemporaryDirectory(prefix="daisychain-simulation-") as home:
            settings = Settings(home=Path(home), public_url="http://127.0.0.1:8000", test_mode=True)
            with closing(Database(settings)) as database:
                page = written(page, "figures", shown(table(database)))
    PAGE.write_text(page, encoding="utf-8")


def shown(lines: Iterable[str]) -> list[str]:
    """Return the lines, and show each when it is done."""
    found = []
    for line in lines:
        found.append(re.sub(r"(\d)%", r"\1 %", line))
        sys.stderr.write(f"{found[-1]}\n")
    return found


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
