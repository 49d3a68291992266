"""Drafts: a campaign made from a document and a list, and what a person looks at before it goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, update

from daisychain.errors import InputError, StateError
from daisychain.settings import Settings
from lists.lists import find_list, parse_sender
from lists.people import ListPeople, open_people
from newsletters.checks import Finding, run_checks
from newsletters.compiled import CompiledEmail
from newsletters.compiler import Compilation, compile_file
from newsletters.keeping import keep_email, kept_email
from newsletters.merge import plan_merge
from newsletters.shelf import find_toolkit
from sender.campaigns import public_face
from sender.follow_ups import check_whom, count_audience
from sender.providers import open_provider
from sender.tables import Campaign
from sender.tracking import sent_references, tracking_mode


@dataclass(frozen=True)
class Created:
    """A fresh draft, with what the checks had to say; none of it is an error."""

    id: int
    findings: list[Finding]


def create(
    connection: Connection,
    settings: Settings,
    document: Path,
    *,
    list_name: str | None,
    provider: str,
    name: str = "",
    follows: tuple[int, str] | None = None,
) -> Created:
    """Compile and check a document for a list and keep it as a draft; raises InputError with every error found.

    `follows` is (an earlier campaign, whom of it): then the list is that campaign's.
    """
    opened = open_provider(provider, settings)
    if follows:
        list_name = check_whom(connection, *follows)["list"]
    assert list_name is not None
    people = open_people(connection, list_name)
    compilation, findings = checked(connection, document, people)
    campaign_id = insert_campaign(
        connection, settings, compilation, document=document, provider=opened.name,
        mailing_list=find_list(connection, list_name), name=name or compilation.email.title or document.stem,
    )  # fmt: skip
    if follows:
        columns = {"of_campaign_id": follows[0], "of_whom": follows[1]}
        connection.execute(update(Campaign).where(Campaign.id == campaign_id).values(columns))
    return Created(campaign_id, findings)


def checked(connection: Connection, document: Path, people: ListPeople | None) -> tuple[Compilation, list[Finding]]:
    """A document compiled and checked; raises InputError that lists every finding which is an error."""
    compilation = compiled(connection, document, people)
    findings = run_checks(compilation, people)
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors:
        lines = "".join(f"\n  {finding.place}: {finding.message} {finding.mend}" for finding in errors)
        raise InputError(f"{len(errors)} of the checks failed:{lines}", file=document)
    return compilation, findings


def compiled(connection: Connection, document: Path, people: ListPeople | None) -> Compilation:
    """A document compiled with the toolkit it names and the fields of the people it is for; raises InputError."""
    return compile_file(
        document,
        lambda name, folder: find_toolkit(name, folder, connection),
        list_fields=frozenset(people.fields()) if people else frozenset(),
    )


def insert_campaign(
    connection: Connection,
    settings: Settings,
    compilation: Compilation,
    *,
    document: Path,
    provider: str,
    mailing_list: RowMapping | None,
    name: str,
    kind: str = "campaign",
) -> int:
    """Keep a compiled email and a draft for it; a test goes untracked. Raises InputError without a sender."""
    email = compilation.email
    sender = _sender(email, mailing_list, document)
    row: dict[str, Any] = {
        "kind": kind,
        "name": name,
        "list_id": mailing_list["id"] if mailing_list else None,
        "document": str(document.resolve()),
        "source": compilation.document.source,
        "compiled_id": keep_email(connection, compilation),
        "provider": provider,
        "from_name": sender[0],
        "from_address": sender[1],
        "reply_to": email.reply_to or (mailing_list["reply_to"] if mailing_list else ""),
        "opens": "off",
        "clicks": "off",
        **public_face(settings, mailing_list["name"] if mailing_list else None),
    }
    if mailing_list and kind != "test":
        row |= {
            "opens": tracking_mode(mailing_list["opens"], provider),
            "clicks": tracking_mode(mailing_list["clicks"], provider),
            "tracking_decided_by": mailing_list["decided_by"],
            "tracking_because": mailing_list["because"],
        }
    return connection.execute(insert(Campaign).values(row).returning(Campaign.id)).scalar_one()


def _sender(email: CompiledEmail, mailing_list: RowMapping | None, document: Path) -> tuple[str, str]:
    if email.from_address:
        return parse_sender(email.from_address)
    if mailing_list is None:
        raise InputError(
            "Nobody is named as the sender.", file=document,
            hint='Add `from: "Name <address>"` to the front matter, or name a list with --list.',
        )  # fmt: skip
    return mailing_list["from_name"], mailing_list["from_address"]


def refuse_changed(connection: Connection, campaign: RowMapping) -> None:
    """Raise StateError where the document is gone, or compiles to something else than when the draft was made."""
    path = Path(campaign["document"])
    hint = "Make a new campaign from it, or send the draft as it was made with --as-created."
    if not path.is_file():
        raise StateError(f"{path} is not there any more.", hint=hint)
    if compiled(connection, path, open_people(connection, campaign["list"])).email.hash != campaign["hash"]:
        raise StateError(
            f"{path}, or the toolkit behind it, changed since campaign {campaign['id']} was made.", hint=hint
        )


def links_of(connection: Connection, campaign: RowMapping) -> list[str]:
    """Where the links of a campaign's email lead, as they are written in it."""
    return [link.url for link in kept_email(connection, campaign["compiled_id"]).links]


@dataclass(frozen=True)
class Summary:
    """What a person sees before sending; `sample` is one of the people, merged."""

    campaign: Mapping[str, Any]
    subject: str
    sample: str
    people: int
    excluded: int


def summarise(connection: Connection, settings: Settings, campaign: RowMapping) -> Summary:
    """What is about to be sent, to how many, and how it reads for one of them."""
    references = sent_references(settings.pages_url, opens="off", clicks="off")
    plan = plan_merge(kept_email(connection, campaign["compiled_id"]), references)
    people = open_people(connection, campaign["list"])
    sample = people.sample() or {}
    merged = plan.render(sample, "0" * 22)
    return Summary(
        {**campaign, **public_face(settings, campaign["list"])},
        merged.subject,
        str(sample.get("email", "")),
        *count_audience(connection, campaign),
    )
