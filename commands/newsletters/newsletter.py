"""`daisychain newsletter …`: new, check, preview, blocks."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.console import (
    LazyGroup,
    answers,
    emit,
    examples,
    format_option,
    progress,
    runs,
    say,
    say_unknown,
    show_line,
    show_table,
    show_text,
)
from daisychain.errors import InputError
from daisychain.installation import Installation

if TYPE_CHECKING:
    from newsletters.checks import CheckReport, Finding
    from newsletters.compose.blocks import Attribute, Block
    from newsletters.people import People

_file = click.argument("file", type=click.Path(path_type=Path))
_list = click.option("--list", "list_name", help="Also check, or show, for the people of this list.")
_brand = click.option(
    "--brand", type=click.Path(path_type=Path), help="Use this brand: a brand.yml, or a partner's YAML file."
)


@click.group(
    cls=LazyGroup,
    lazy={
        "pack": (
            "commands.partners.pack:make",
            "Make packs of FILE that member organisations send from their own tools.",
        ),
        "test": (
            "commands.newsletters.test_sends:send_test",
            "Send FILE to your own addresses, marked [TEST] and never counted.",
        ),
        "pull": ("commands.newsletters.stored_newsletters:pull", "Write a stored newsletter into files."),
        "push": (
            "commands.newsletters.stored_newsletters:push",
            "Store the newsletter in FILE, or a new version of it.",
        ),
        "list": (
            "commands.newsletters.stored_newsletters:list_",
            "List the stored newsletters, the newest change first.",
        ),
        "versions": (
            "commands.newsletters.stored_newsletters:versions",
            "List the saved versions of a stored newsletter.",
        ),
        "restore": ("commands.newsletters.stored_newsletters:restore", "Make a saved version the newest one."),
        "test-set": ("commands.newsletters.test_sends:test_set", "Manage named sets of test inboxes."),
    },
)
def newsletter() -> None:
    """Write, check, preview and test newsletters: documents that assemble toolkit copy into one email."""


@newsletter.command()
@click.argument("name")
@click.option("--toolkit", "reference", help="The toolkit to take copy from: a name or a folder.")
@click.option("--layout", default="bulletin", show_default=True, help="The layout of the email.")
@click.option("--from", "source", help="Copy this newsletter: a file, or a campaign's number.")
@runs("newsletter new may --toolkit community-makes-us", "newsletter new june --from may.md")
def new(installation: Installation, name: str, reference: str | None, layout: str, source: str | None) -> None:
    """Write a new newsletter NAME.md into the current folder."""
    from newsletters.compose.starter import copy_newsletter, start_newsletter, write_newsletter
    from newsletters.toolkit_store.store import find_toolkit
    from sender.campaigns.campaign_record import sources_of

    path = Path(name if name.endswith(".md") else f"{name}.md")
    if source is not None and reference is not None:
        raise InputError("A copy keeps its own toolkit.", hint="Leave --toolkit off, and change it in the document.")
    if source is not None and source.isdecimal() and not Path(source).exists():
        with installation.database.engine.connect() as connection:
            write_newsletter(path, sources_of(connection, int(source)))
    elif source is not None:
        copy_newsletter(path, Path(source))
    elif reference is None:
        raise InputError(
            "A newsletter needs a toolkit.", hint="Add --toolkit NAME; `daisychain toolkit list` shows them."
        )
    else:
        with installation.database.engine.connect() as connection:
            start_newsletter(path, find_toolkit(reference, path.parent, connection), reference, layout)
    click.echo(path)
    say(f"Edit it, then: daisychain newsletter preview {path} --out preview")


@newsletter.command()
@_file
@_list
@_brand
@click.option("--online", is_flag=True, help="Also check that its links work.")
@click.option("--deep", is_flag=True, help="Also run slow checks: phones and axe-core in Chromium, SpamAssassin.")
@answers("newsletter check may.md --list supporters")
def check(
    installation: Installation, file: Path, list_name: str | None, brand: Path | None, online: bool, deep: bool,
    format_: str,
) -> None:  # fmt: skip
    """Check the newsletter in FILE; exit code 1 if there is an error."""
    from lists.list_people import open_people
    from newsletters.checks import check_file
    from newsletters.checks.reachable import Reach
    from newsletters.packs.brand_file import brand_for
    from newsletters.stored.manuscripts import find_manuscript
    from newsletters.toolkit_store.store import find_toolkit

    with installation.database.engine.connect() as connection:
        find, written = partial(find_toolkit, connection=connection), find_manuscript(connection, file)
        report = check_file(
            written,
            find,
            open_people(connection, list_name) if list_name else None,
            brand=brand_for(next(written.documents()), brand, find) if brand else None,
            online=Reach(loopback=installation.settings.test_mode) if online else None,
            deep=deep,
        )
    errors = sum(finding.severity == "error" for finding in report.findings)
    answer = asdict(report)
    for finding in answer["findings"]:
        finding["mend"] = finding.pop("fix")  # the key that scripts know
    emit({"errors": errors, **answer}, format_, lambda: _show(report))
    if errors:
        sys.exit(1)


@newsletter.command()
@_file
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="The folder to write into."
)
@_list
@click.option("--member", help="Fill the fields for this member of the list.")
@_brand
@click.option("--pictures/--no-pictures", default=True, show_default=True, help="Take screenshots with Chromium.")
@click.option("--open", "show", is_flag=True, help="Open index.html in your browser.")
@answers("newsletter preview may.md --out preview --list supporters --open")
def preview(
    installation: Installation, file: Path, out: Path, list_name: str | None, member: str | None, brand: Path | None,
    pictures: bool, show: bool, format_: str,
) -> None:  # fmt: skip
    """Write the newsletter as readers would get it, with screenshots and an index.html that shows everything."""
    from lists.list_people import open_people
    from newsletters.checks import check_languages, with_mistakes
    from newsletters.compose.languages import compile_languages
    from newsletters.documents.error_list import Mistakes
    from newsletters.packs.brand_file import brand_for
    from newsletters.preview.preview import Reader, write_preview
    from newsletters.stored.manuscripts import find_manuscript
    from newsletters.toolkit_store.store import find_toolkit

    if member and not list_name:
        raise InputError("--member needs a list.", hint="Add --list LIST.")
    with installation.database.engine.connect() as connection:
        people = open_people(connection, list_name) if list_name else None
        find, written = partial(find_toolkit, connection=connection), find_manuscript(connection, file)
        mistakes = Mistakes(collect=True)
        languages = compile_languages(
            written, find, brand=brand_for(next(written.documents()), brand, find) if brand else None,
            list_fields=frozenset(people.fields()) if people else frozenset(), mistakes=mistakes,
            any_field=people is None,
        )  # fmt: skip
        say_unknown(languages.unknown)
        with progress() as bar:
            task = bar.add_task("Pictures", total=None, visible=pictures)
            made = write_preview(
                languages, out, Reader(_inputs(people, member), people),
                with_mistakes(check_languages(languages, people), mistakes), public_url=installation.settings.pages_url,
                pictures=(lambda done, total: bar.update(task, completed=done, total=total)) if pictures else None,
            )  # fmt: skip
    for error in mistakes.found:
        say(f"Left out because of an error: {error}")
    if pictures and made.why_no_pictures:
        say(f"{'Some pictures are missing' if made.pictures else 'There are no pictures'}. {made.why_no_pictures}")
    files = {kind: str(path) for kind, path in made.files.items()}
    shown = files | ({"pictures": f"{len(made.pictures)} in {out / 'pictures'}"} if made.pictures else {})
    emit(files | {"pictures": [str(path) for path in made.pictures]}, format_,
         lambda: show_table(("what", "file"), shown.items()))  # fmt: skip
    import webbrowser

    if show and not webbrowser.open(made.files["index"].absolute().as_uri()):
        say(f"No browser could be opened; open {made.files['index']} by hand.")


@newsletter.command()
@click.argument("name", required=False)
@format_option
@examples("newsletter blocks", "newsletter blocks button")
def blocks(name: str | None, format_: str) -> None:
    """List the blocks of newsletters, or show one, with examples to copy."""
    from daisychain.suggestions import nearest
    from newsletters.compose.blocks import registry

    known = registry().blocks
    if name is not None and name not in known:
        raise InputError(f"There is no block {name!r}.", hint=nearest(name, known))
    shown = [known[name]] if name is not None else list(known.values())
    answer = [{**asdict(block), "attributes": [asdict(item) for item in block.attributes.values()]} for block in shown]
    emit(answer, format_, lambda: click.echo("\n\n".join(map(_described, shown))))


def _described(block: Block) -> str:
    """Return a block for people; its example is never wrapped."""
    attributes = [_attribute(item) for item in block.attributes.values()]
    return "\n".join([f"{block.name}: {block.summary}", *attributes, "", block.example.strip()])


def _attribute(item: Attribute) -> str:
    values = " or ".join(item.values) or item.type
    notes = ", ".join(word for word, holds in (("its main one", item.main), ("required", item.required)) if holds)
    return f"  {item.name}: {values}{f' ({notes})' if notes else ''}{f'. {item.summary}' if item.summary else ''}"


def _inputs(people: People | None, member: str | None) -> Mapping[str, Any] | None:
    if people is None:
        return None
    if member is None:
        return people.sample()
    found = people.member(member)
    if found is None:
        raise InputError(f"{member} is not on the list {people.name!r}, or may not be mailed.")
    return found


def _longest(slot: Mapping[str, Any]) -> str:
    return f"{' or '.join(slot['fields'])} {slot['longest']} {slot['where']}"


def _show(report: CheckReport) -> None:
    findings = report.findings
    if len(report.readers) > 1:
        show_table(("language", "people who get it"), report.readers.items())
    for language, size in report.sizes.items():
        # Without a list no value is known.
        longest = ", ".join(_longest(slot) for slot in size["slots"] if report.readers)
        say(
            f"The largest mail ({language}) has {size['html_bytes'] // 1000} kB of HTML."
            + (f" Longest values, in characters: {longest}." if longest else "")
        )
    if not findings:
        say("Nothing to fix.")
        return
    counts = Counter(finding.severity for finding in findings)
    show_line(", ".join(f"{count} {severity}{'' if count == 1 else 's'}" for severity, count in counts.items()) + ".")
    for code in dict.fromkeys(finding.code for finding in findings):
        _show_group([finding for finding in findings if finding.code == code])
    if overridable := sorted({finding.code for finding in findings if finding.overridable}):
        say(f"Can be overridden with a reason: {', '.join(overridable)}. See `daisychain campaign create --help`.")
    if firm := sorted({each.code for each in findings if each.severity == "error" and not each.overridable}):
        say(f"Must be fixed: {', '.join(firm)}.")


def _show_group(findings: list[Finding]) -> None:
    """Show the findings of one code; what they have in common is shown once."""
    first = findings[0]
    if len(findings) == 1:
        show_line(f"{first.severity}: {first.code}: {first.place}", bold=True)
        show_text(f"{first.message} {first.why} {first.fix}", indent="  ")
        return
    same = all(finding.fix == first.fix for finding in findings)
    show_line(f"{first.severity}: {first.code} ({len(findings)} places)", bold=True)
    show_text(f"{first.why} {first.fix}" if same else first.why, indent="  ")
    for finding in findings:
        fix = "" if same else f" {finding.fix}"
        show_text(f"{finding.place}: {finding.message}{fix}", indent="  ", hanging="  ")
