"""`daisychain list sign-up`: the form by which people put themselves on a list."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.console import answers, emit, say, show_table
from daisychain.errors import InputError
from daisychain.installation import Installation
from daisychain.system_user import acting_user

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from lists.sign_up.sign_up_form import ListForm


@click.command("sign-up")
@click.argument("name")
@click.option("--on/--off", "is_open", default=None, help="Open or close the form.")
@click.option(
    "--for", "who", type=click.Choice(["supporters", "organisations"]),
    help="Who it is for; organisations are asked for their name.",
)  # fmt: skip
@click.option(
    "--toolkit", "toolkits", multiple=True, metavar="NAME",
    help='A toolkit whose Join button leads here; these replace all that there were, and "" leaves none.',
)  # fmt: skip
@click.option("--wording", metavar="TEXT", help="A new version of what people agree to; or a text file.")
@click.option("--welcome", type=click.Path(path_type=Path), help="A text file: `Subject: …`, an empty line, the mail.")
@click.option("--language", default="en", show_default=True, help="Of the wording, the welcome mail or the snippet.")
@click.option("--snippet", is_flag=True, help="Print the form as HTML, for another site.")
@click.option("--partner", default="", metavar="CODE", help="Whose site the snippet is for.")
@answers(
    "list sign-up supporters --on --toolkit community-makes-us",
    'list sign-up supporters --wording "I would like to get your emails."',
    "list sign-up supporters --snippet --partner bees-of-bath",
)
def sign_up(
    installation: Installation, /, name: str, wording: str | None, welcome: Path | None, language: str, snippet: bool,
    partner: str, format_: str, **changes: Any,
) -> None:  # fmt: skip
    """Show the sign-up form of the list NAME: address, wording and counts; or change it."""
    from lists.sign_up import sign_up_form

    by = acting_user()
    with installation.database.engine.begin() as connection:
        if any(change not in (None, ()) for change in changes.values()):
            sign_up_form.change_form(connection, name, by=by, **changes)
        if wording is not None:
            sign_up_form.add_wording(connection, name, _text(wording), by=by, language=language)
        if welcome:
            sign_up_form.set_welcome(connection, name, _read(welcome), by=by, language=language)
        form = sign_up_form.sign_up_form(connection, name)
        if snippet:
            return _print_snippet(form, installation.settings.pages_url, language, partner)
        answer = _answer(connection, form, installation.settings.pages_url)
    emit(answer, format_, lambda: _show(answer))
    if not form.is_open:
        say(f"It is closed. Open it: daisychain list sign-up {name} --on")
    return None


def _text(wording: str) -> str:
    """Return the words that were typed, or of the file that was named."""
    named = Path(wording)
    return _read(named) if "\n" not in wording and len(wording) < 200 and named.is_file() else wording


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InputError(f"This file can't be read: {why}.", file=file) from None


def _print_snippet(form: ListForm, public_url: str, language: str, partner: str) -> None:
    from lists.sign_up.snippet import embedded_form

    if not form.is_open:
        raise InputError("The form is closed.", hint=f"Open it first: daisychain list sign-up {form.name} --on")
    click.echo(embedded_form(form, public_url, language=language, partner=partner), nl=False)


def _answer(connection: Connection, form: ListForm, public_url: str) -> dict[str, Any]:
    from lists.sign_up.sign_up_form import form_url, sign_up_counts

    return {
        "list": form.name, "open": form.is_open, "for": form.who, "toolkits": list(form.toolkits),
        "url": form_url(form, public_url), "wordings": [asdict(each) for each in form.wordings.values()],
        "welcome": dict(form.welcome), **sign_up_counts(connection, form.list_id),
    }  # fmt: skip


def _show(answer: dict[str, Any]) -> None:
    rows = [
        ("sign-up", "open" if answer["open"] else "closed"), ("for", answer["for"]),
        ("on toolkits", ", ".join(answer["toolkits"]) or "none"), ("address", answer["url"]),
        ("asked, of the last 30 days or confirmed", answer["asked"]), ("confirmed", answer["confirmed"]),
        ("waiting for the button", answer["waiting"]), ("welcome mail", ", ".join(answer["welcome"]) or "ours"),
    ]  # fmt: skip
    show_table(["", answer["list"]], rows)
    wordings = [[each["language"], each["version"], each["created_at"], each["text"]] for each in answer["wordings"]]
    show_table(["language", "version", "since", "wording"], wordings)
