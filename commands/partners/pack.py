"""`daisychain newsletter pack`, and `daisychain pack …`: verify, list, withdraw, offer, dialects."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from commands.console import (
    answers,
    emit,
    examples,
    format_option,
    progress,
    runs,
    say,
    say_unknown,
    sheet_options,
    show_table,
)
from daisychain.errors import InputError
from daisychain.hosts import is_loopback
from daisychain.installation import Installation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from newsletters.packs.bulk import Made
    from newsletters.packs.edition import Choices, Edition
    from newsletters.packs.pack_status import StalePartner, Standing

_file = click.argument("file", type=click.Path(path_type=Path))


@click.command("pack")
@_file
@click.option(
    "--brand", type=click.Path(path_type=Path), help="The partner: a YAML file with its name, logo and so on."
)
@click.option("--brands", type=click.Path(path_type=Path), help="Many partners: a CSV or workbook, a row for each.")
@sheet_options
@click.option(
    "--for",
    "for_",
    default="",
    help="The tools to make packs for, such as mailchimp,outlook, or all; rows of --brands may name their own.",
)
@click.option("--else", "otherwise", is_flag=True, help="If a tool can't express a condition, show its else part.")
@click.option("--language", default="", help="The languages to make packs in, such as en,cy, or all.")
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="The folder to write into."
)
@click.option("--zip", "as_zip", is_flag=True, help="Write a zip for each pack instead of a folder.")
@click.option(
    "--images", type=click.Choice(["upload", "hosted"]), default="upload", show_default=True,
    help="Partners upload the pictures, or the email loads them from this installation.",
)  # fmt: skip
@click.option(
    "--utm", multiple=True, help="Add to links to the coalition, as source=newsletter; {partner} is the partner's code."
)
@click.option("--code/--no-code", default=True, show_default=True, help="Add the partner's code to those links.")
@click.option("--previews/--no-previews", default=None, help="Take screenshots; by default only for one partner.")
@answers(
    "newsletter pack may.md --brand bees.yml --for mailchimp,outlook --out packs",
    "newsletter pack may.md --brands partners.csv --out packs --zip",
)
def make(
    installation: Installation, file: Path, brand: Path | None, brands: Path | None, for_: str, language: str,
    out: Path, as_zip: bool, images: str, utm: tuple[str, ...], code: bool, previews: bool | None, format_: str,
    encoding: str | None, sheet: str | None, otherwise: bool,
) -> None:  # fmt: skip
    """Make packs of the newsletter in FILE that partners send from their own tools."""
    from daisychain.sheets.open_sheet import open_sheet
    from newsletters.browser.browser import chromium
    from newsletters.packs.bulk import Order, make_for, make_many
    from newsletters.packs.edition import Choices, utm_choices
    from newsletters.packs.partner import LARGEST_FILE, note_columns, read_partner
    from partners.registry import claim as claim_codes

    if brand and brands:
        raise InputError("Name one partner with --brand, or many with --brands.")
    if previews and not chromium():
        raise InputError("There is no Chromium to take pictures with.", hint="Install one, or leave --previews out.")
    pictures = previews if previews is not None else not brands
    choices = Choices(installation.settings.pages_url, images == "hosted", utm_choices(utm), code, pictures, otherwise)
    with installation.database.engine.connect() as connection:
        editions = _editions(connection, file, choices)
    order = Order(editions, for_, language, out, as_zip)
    if is_loopback(urlsplit(choices.public_url).hostname or ""):
        say(
            f"Links lead to {choices.public_url}, which partners can't reach: set DAISYCHAIN_PUBLIC_URL for real packs."
        )

    def claim(partners: Sequence[Mapping[str, str]]) -> Sequence[tuple[str, str]]:
        with installation.database.engine.begin() as connection:
            return claim_codes(connection, partners, note_columns(partners[0]) if partners else ())

    if brands:
        with progress() as bar, open_sheet(brands, encoding, sheet, largest=LARGEST_FILE) as partners:
            task = bar.add_task("Packs", total=None)
            results = make_many(
                order, partners, lambda done, total: bar.update(task, completed=done, total=total), claim
            )
        if partners.note:
            say(partners.note)
    else:
        results = [make_for(order, read_partner(brand, claim) if brand else None)]
    _keep(installation, results)
    _show_made(results, out, format_)


@click.group()
def pack() -> None:
    """Verify, list, withdraw and offer partner packs."""


@pack.command()
@click.argument("folder", type=click.Path(path_type=Path))
@answers("pack verify packs/bees-of-bath-mailchimp")
def verify(installation: Installation, folder: Path, format_: str) -> None:
    """Check that the pack in FOLDER, or a zip, is unchanged and up to date; exit code 1 if it is not."""
    from newsletters.packs.verify import verify as verified
    from newsletters.toolkits.toolkit import current_day

    with installation.database.engine.connect() as connection:
        verdict = verified(connection, folder, current_day())
    answer = {"state": verdict.state} | {name: list(getattr(verdict, name)) for name in ("altered", "changes", "notes")}
    rows = [] if verdict.known else [("", "This installation does not know it: ask the person who gave it to you.")]
    if not verdict.compared:
        name = verdict.sheet["toolkit"]["name"]
        rows.append(("not compared", f"{name!r} is only a folder: `daisychain toolkit add` it, and its changes show."))
    rows += [("changed since", line) for line in verdict.changes] + [("altered", line) for line in verdict.altered]
    rows += [("note", line) for line in verdict.notes]
    emit(answer, format_, lambda: show_table(("", verdict.state), rows or [("", "Nothing has changed.")]))
    if verdict.state != "current":
        raise SystemExit(1)


@pack.command("list")
@click.option(
    "--stale",
    is_flag=True,
    help="Only partners with packs that are not current and have no newer one, a row for each, with its contact.",
)
@answers("pack list --stale")
def list_(installation: Installation, stale: bool, format_: str) -> None:
    """List the packs that were made, and whether each is current."""
    from newsletters.packs.pack_status import all_standings, stale_partners
    from newsletters.toolkits.toolkit import current_day

    with installation.database.engine.connect() as connection:
        found = all_standings(connection, current_day())
        partners = stale_partners(connection, found) if stale else []
    if stale:
        emit([asdict(each) for each in partners], format_, lambda: _show_stale(partners))
    else:
        emit([asdict(each) for each in found], format_, lambda: _show_standings(found))


@pack.command("withdraw")
@click.argument("newsletter")
@click.option("--why", default="", help="The reason that partners read on the pack's page.")
@click.option("--undo", is_flag=True, help="Make the packs current again; offer them again with `pack offer`.")
@runs('pack withdraw may --why "The date is wrong"', "pack withdraw may --undo")
def withdraw_(installation: Installation, newsletter: str, why: str, undo: bool) -> None:
    """Withdraw every pack of NEWSLETTER (its file name) and of its translations; their pages say so.

    They are not offered to the public any more.
    """
    from newsletters.packs.pack_status import restore, withdraw

    if not undo and not why.strip():
        raise click.UsageError("Missing option '--why': partners read the reason on the pack's page.")
    with installation.database.engine.begin() as connection:
        count = restore(connection, newsletter) if undo else withdraw(connection, newsletter, why)
    packs = f"{count:,} packs" if count != 1 else "1 pack"
    click.echo(f"{packs} restored." if undo else f"{packs} withdrawn.")


@pack.command("offer")
@_file
@click.option("--stop", is_flag=True, help="Stop offering it.")
@runs("pack offer may.md", "pack offer may.md --stop")
def offer_(installation: Installation, file: Path, stop: bool) -> None:
    """Offer packs of the newsletter in FILE, without branding, on the page of its toolkit."""
    from newsletters.packs.edition import Choices
    from newsletters.packs.offers import offer

    with installation.database.engine.begin() as connection:
        editions = list(_editions(connection, file, Choices(installation.settings.pages_url)).values())
        for edition in editions:
            offer(connection, edition, editions[0], stop=stop)
    click.echo(f"{installation.settings.pages_url}/toolkits/{editions[0].toolkit.name}/emails")


@pack.command("dialects")
@format_option
@examples("pack dialects")
def dialects_(format_: str) -> None:
    """List the tools that packs can be made for, and what is not confirmed about each."""
    from newsletters.packs.dialects.dialect import dialects

    known = dialects().values()
    answer = [
        {"dialect": each.key, "name": each.name, "sources": dict(each.sources), "uncertain": dict(each.uncertain)}
        for each in known
    ]
    rows = [(each.key, each.name, ", ".join(each.uncertain) or "nothing") for each in known]
    emit(answer, format_, lambda: show_table(("--for", "tool", "not confirmed"), rows))


def _editions(connection: Connection, file: Path, choices: Choices) -> dict[str, Edition]:
    """The newsletter in FILE and its translations, by language."""
    from newsletters.compose.compiler import own_brand
    from newsletters.packs.edition import open_edition
    from newsletters.stored.manuscripts import find_manuscript
    from newsletters.toolkit_store.store import find_toolkit

    editions = {}
    for document in find_manuscript(connection, file).documents():
        toolkit = find_toolkit(document.toolkit, document.folder, connection)
        leading = own_brand(document) or toolkit.brand
        editions[document.language] = open_edition(document, replace(toolkit, brand=leading), choices)
    say_unknown({name for edition in editions.values() for name in edition.unknown})
    return editions


def _keep(installation: Installation, results: list[Made]) -> None:
    from newsletters.packs.pack_status import keep_packs
    from newsletters.toolkits.images import keep_images

    with installation.database.engine.begin() as connection:
        withdrawn = keep_packs(connection, [row for made in results for row in made.rows])
        keep_images(connection, [image for made in results for image in made.images])
    for why in sorted(withdrawn):
        say(f"This text was withdrawn, and its packs stay withdrawn: {why}")
        say("Change the text; or use `daisychain pack withdraw NEWSLETTER --undo`.")


def _show_made(results: list[Made], out: Path, format_: str) -> None:
    from newsletters.packs.bulk import FAILURES

    places = [place for made in results for place in made.places]
    failed = [(made, problem) for made in results for problem in made.problems]
    notes = [(made, note) for made in results for note in made.notes]
    answer: dict[str, Any] = {
        "packs": places,
        "failed": [{"line": made.line, "name": made.name, **asdict(problem)} for made, problem in failed],
        "notes": [{"line": made.line, "name": made.name, "note": note} for made, note in notes],
    }
    made_here = "\n".join(places) if len(places) <= 20 else f"{len(places):,} packs in {out}"
    emit(answer, format_, lambda: click.echo(made_here))
    if format_ == "table":
        for made, note in notes[:5]:
            say(f"{_row(made)}{note}")
        if (others := len(notes) - 5) > 0:
            say(f"{others:,} more {'notes' if others > 1 else 'note'}: --format json lists them all.")
        if failed:
            more = f"; {out / FAILURES} lists them all" if any(made.line for made in results) else ""
            say(f"{len(failed):,} {'problems' if len(failed) > 1 else 'problem'}{more}:")
        for made, problem in failed[:5]:
            say(f"  {_row(made)}{problem.why}")
    if failed:
        raise SystemExit(3)


def _row(made: Made) -> str:
    place = f"line {made.line}, {made.name or 'no name'}" if made.line else made.name
    return f"{place}: " if place else ""


def _show_standings(found: list[Standing]) -> None:
    if not found:
        say("There are no such packs.")
        return
    rows = [
        (each.newsletter, each.partner or "(without branding)", each.dialect, each.state, " ".join(each.why),
         each.made_at)
        for each in found
    ]  # fmt: skip
    show_table(("newsletter", "partner", "tool", "is", "why", "made"), rows)


def _show_stale(partners: list[StalePartner]) -> None:
    if not partners:
        say("There are no such packs.")
        return
    rows = []
    for each in partners:
        tools: dict[str, list[str]] = {}
        for pack in each.packs:
            tools.setdefault(pack.newsletter, []).append(pack.dialect)
        packs = ", ".join(f"{name} ({', '.join(keys)})" for name, keys in tools.items())
        rows.append((each.partner or "(without branding)", each.contact, packs, each.state, " ".join(each.why)))
    show_table(("partner", "contact", "packs", "is", "why"), rows)
