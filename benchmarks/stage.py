"""Set the stage for benchmarks: a database of their own, a list of invented people, a mail of 50 KB, and a report."""

from __future__ import annotations

import json
import os
import platform
import resource
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from daisychain.database import Database
from daisychain.settings import Settings
from lists.lists import create_list, find_list
from newsletters.compose.compiler import Compilation, compile_document
from newsletters.compose.languages import Languages
from newsletters.documents.document import parse_document
from newsletters.toolkit_store.store import shipped_toolkit
from sender.campaigns.drafts import insert_campaign
from sender.delivery.ledger import read_ledger
from sender.upkeep import foreground

RESULTS = Path(__file__).parent / "results"
FIELDS = ("town", "region", "role", "group", "since", "branch")
HTML_BYTES = 50_000
_OURS = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)

DOCUMENT = """\
---
subject: News for {{ member.first_name | default("friend") }}
preheader: What is on in {{ member.town | default("your town") }}
toolkit: community-makes-us
fields: [town, region, role, group, since, branch]
---
Dear {{ member.first_name | default("friend") }} {{ member.last_name }},

You are with us as {{ member.role | default("a supporter") }} since {{ member.since | default("the start") }}, in the
{{ member.branch | default("nearest") }} branch and the {{ member.group | default("open") }} group of
{{ member.region | default("your region") }}.

{% if member.role == "volunteer" %}
::: note
The rota for {{ member.town | default("your town") }} is on the notice board.
:::
{% else %}
You could volunteer: ask us how.
{% endif %}

{% if member.region == "North" %}
::: note
There is a meeting of all branches.
:::
{% endif %}

"""


@contextmanager
def house(name: str, **settings: Any) -> Iterator[Database]:
    """An embedded database in a home of its own, gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix=f"daisychain-{name}-"))
    database = Database(Settings(home=home, test_mode=True, public_url="https://news.coalition.org", **settings))
    try:
        yield database
    finally:
        server = database.server
        database.close()
        shutil.rmtree(home, ignore_errors=True)
        if server is not None:
            shutil.rmtree(server.folder, ignore_errors=True)


def letter() -> Compilation:
    """A newsletter of about 50 KB of HTML, with 8 fields and 2 conditions."""
    toolkit = shipped_toolkit("community-makes-us")
    story = "\n::: copy small-acts\n\n::: copy clapping\n\n::: copy bigger-acts\n"

    def compiled(stories: int) -> Compilation:
        body = DOCUMENT + "".join(f"## Story {number}\n{story}" for number in range(stories))
        return compile_document(parse_document(body, "letter.md", Path()), toolkit)

    stories = 1
    while len(compiled(stories).email.html) < HTML_BYTES:
        stories += 1
    return compiled(stories)


def add_people(connection: Connection, list_name: str, people: int) -> None:
    """A list of invented people with all fields filled, written by the database itself."""
    list_id = create_list(connection, list_name, sender="Coalition <hello@coalition.org>")
    connection.execute(
        text("""
            INSERT INTO members (email, address_key, first_name, last_name, fields)
            SELECT 'reader' || n || '@people.org', 'reader' || n || '@people.org', 'Siân ' || n % 977, 'O''Brien',
                   jsonb_build_object(
                       'town', 'Town ' || n % 311, 'region', CASE n % 3 WHEN 0 THEN 'North' ELSE 'South' END,
                       'role', CASE n % 4 WHEN 0 THEN 'volunteer' ELSE 'supporter' END, 'group', 'Group ' || n % 17,
                       'since', (1990 + n % 35)::text, 'branch', 'Branch ' || n % 97)
            FROM generate_series(1, :people) AS n
        """),
        {"people": people},
    )
    connection.execute(
        text("""
            INSERT INTO memberships (list_id, member_id, basis, source)
            SELECT :list_id, id, 'consent', 'the form on our website' FROM members
        """),
        {"list_id": list_id},
    )
    connection.execute(text("ANALYZE members, memberships"))


def draft(database: Database, list_name: str, provider: str) -> int:
    """A draft of the letter for a list."""
    with database.engine.begin() as connection:
        return insert_campaign(
            connection, database.settings, Languages({"en": letter()}, "en"), document=Path("letter.md"),
            provider=provider, mailing_list=find_list(connection, list_name), name="benchmark",
        )  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """One line of the table: what was done, how much of it, in how many seconds, and by how much work of our own."""

    step: str
    amount: int
    seconds: float
    to_reach: str
    cpu_seconds: float | None = None
    peak_megabytes: float | None = None

    @property
    def rate(self) -> float:
        """Amount per second."""
        return self.amount / self.seconds


@contextmanager
def measured() -> Iterator[dict[str, float]]:
    """Seconds on the wall and of CPU, of this process and those it waited for, and the memory of the largest."""
    found: dict[str, float] = {}
    wall, used = time.perf_counter(), _cpu_seconds()
    yield found
    found["seconds"] = time.perf_counter() - wall
    found["cpu"] = _cpu_seconds() - used
    ours, theirs = (resource.getrusage(whose).ru_maxrss for whose in _OURS)
    found["peak_megabytes"] = max(ours, theirs) / 1024


def send_to_all(database: Database, provider: str, step: str, people: int, to_reach: str) -> Figure:
    """Send the letter to everybody by `provider`, freeze included, and see that the ledger balances."""
    campaign_id = draft(database, "everybody", provider)
    with measured() as whole, foreground.crew(database, campaign_id) as helpers:
        foreground.start(database, campaign_id)
        state = foreground.work_until_over(database, campaign_id, helpers=helpers)
    with database.engine.connect() as connection:
        ledger = read_ledger(connection, campaign_id)
    assert (state, ledger.balances, ledger.accepted) == ("finished", True, people), (state, ledger)
    return Figure(
        step, people, whole["seconds"], to_reach, cpu_seconds=whole["cpu"], peak_megabytes=whole["peak_megabytes"]
    )


def _cpu_seconds() -> float:
    usages = [resource.getrusage(whose) for whose in _OURS]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def server_seconds(database: Database) -> float:
    """Return the embedded server's seconds of CPU so far, in all its processes, also those that have ended."""
    assert database.server is not None
    postmaster = (database.server.data / "postmaster.pid").read_text().split()[0]
    with database.engine.connect() as connection:
        running = connection.scalars(text("SELECT pid FROM pg_stat_activity")).all()
    ticks = 0
    for pid, times in [(postmaster, slice(11, 15)), *((pid, slice(11, 13)) for pid in running)]:
        ticks += sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[times]))
    return ticks / os.sysconf("SC_CLK_TCK")


def written(name: str, figures: list[Figure]) -> None:
    """Keep the figures of one benchmark as JSON beside the others, with what they were measured on."""
    RESULTS.mkdir(exist_ok=True)
    content = {
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "load": os.getloadavg()[0],
        "figures": [vars(figure) | {"rate": round(figure.rate)} for figure in figures],
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n")
