"""README: the one page of a pack for the person who has to send it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import PurePosixPath

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from newsletters.compose.plain_text import wrapped
from newsletters.documents.language_names import language_name
from newsletters.packs.dialect_writer import YOUR_ORGANISATION, Written
from newsletters.packs.dialects.dialect import Dialect
from newsletters.packs.material import Material
from newsletters.packs.partner import YOUR_ADDRESS
from newsletters.packs.provenance import standing_url

# What is in a pack, by file or folder, in the order in which a reader meets it.
_CONTENTS = {
    "email.html": "the email, to paste",
    "email.txt": "the same as plain text",
    "mailchimp.zip": "the email and its pictures, to import",
    "campaign-monitor.zip": "the pictures, to import with the email",
    "subjects.txt": "subject lines and preview texts to choose from",
    "draft.eml": "the email as a draft for a mailbox",
    "paste/": "the words part by part, for editors that take no HTML",
    "images/": "the pictures, and what to write as their alt text",
    "preview.png": "how the email looks",
    "social/": "posts, by network",
    "website/": "a piece for your website",
    "copy/": "short and long texts about the campaign",
    "source/": "for designers: the MJML and the colours",
    "pack.json": "what all this was made of, and when it expires",
}
# Facts that matter in every pack; the others only if the newsletter uses them.
_ALWAYS = frozenset({"unsubscribe", "view", "address", "text", "media", "draft", "bcc", "zip"})


def readme(
    material: Material, dialect: Dialect, written: Written, key: str, files: Mapping[str, bytes]
) -> tuple[str, str]:
    """Return the page as HTML and as plain text."""
    edition = material.edition
    values = {
        "title": material.compilation.email.title,
        "partner": material.partner,
        "tool": dialect.name,
        "toolkit": edition.toolkit,
        "language": _foreign(edition.language),
        "steps": _steps(material, dialect),
        "test": _test(dialect, written),
        "then": dialect.then,
        "code": files["email.html"].decode() if dialect.code else "",
        "pictures": [] if edition.choices.hosted else list(material.names.values()),
        "before": list(_before(material, dialect, written)),
        "subject": written.subject,
        "expires": edition.expires,
        "made": edition.today,
        "contents": _contents(files),
        "preview": "preview.png" in files,
        "standing": standing_url(edition.choices.public_url, key),
        "hosted": edition.choices.hosted,
        "host": edition.choices.public_url,
    }
    environment = _templates()
    html = environment.get_template("readme.html.j2").render(values)
    text = environment.get_template("readme.txt.j2").render(values)
    return html, text.strip() + "\n"


def _steps(material: Material, dialect: Dialect) -> list[str]:
    upload = dialect.picture_step and not material.edition.choices.hosted
    return [*([dialect.picture_step] if upload else []), *dialect.steps]


def _test(dialect: Dialect, written: Written) -> str:
    """Return what to check in one's own test, behind "Send yourself a test"."""
    links = "Look at your name in the greeting, press every link" if written.asked else "Press every link"
    leave = "the last line says how to leave your list" if dialect.reply_to_leave else "people can leave your list"
    look = f"{links}, and make sure that the pictures are there and that {leave}."
    return f"and open it on your computer and on a phone. {look}"


def _foreign(language: str) -> str:
    """Return the English name of an email's language; empty for English."""
    return "" if language.split("-")[0] == "en" else language_name(language)


def _before(material: Material, dialect: Dialect, written: Written) -> Iterator[str]:
    """Yield what to check or do before sending, one or two sentences each."""
    partner = material.partner
    if partner is None:
        if YOUR_ORGANISATION in written.html:
            yield f"Write your own in place of {YOUR_ORGANISATION}, everywhere."
        if YOUR_ADDRESS in written.html:
            yield f"Write yours in place of {YOUR_ADDRESS}: every newsletter has to say where its sender is."
    if partner and partner.reply and dialect.simple:
        yield f"Send it from {partner.reply}: that is where answers, and wishes to leave, come in."
    elif partner and partner.reply:
        yield f"Set the reply address to {partner.reply}."
    yield from material.notes
    for name, words in written.defaults.items():
        if dialect.default_in_tool:
            yield f"{dialect.default_in_tool} {name} to “{words}”, for people without one."
    if written.asked:
        yield f"Your list needs these fields, called just so: {', '.join(written.asked)}."
    for cell, note in dialect.uncertain.items():
        if cell in _ALWAYS or cell in _used(material, dialect, written):
            yield note
    if not material.draft and not dialect.simple:
        yield "There is no draft.eml: this newsletter shows parts to some people only, which a mailbox can't do."


def _used(material: Material, dialect: Dialect, written: Written) -> set[str]:
    """Return the facts about fields that this newsletter rests on."""
    used = {ours for ours, theirs in dialect.names.items() if theirs in written.asked}
    if set(written.asked) - set(dialect.names.values()):
        used.add("other_fields")
    if material.compilation.email.conditions:
        used.add("condition")
    if written.defaults and not dialect.default_in_tool:
        used.add("default")
    return used


def _contents(files: Mapping[str, bytes]) -> list[tuple[str, str]]:
    there = {path if "/" not in path else f"{PurePosixPath(path).parts[0]}/" for path in files} | {"pack.json"}
    return [(path, words) for path, words in _CONTENTS.items() if path in there]


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("templates", "packs"), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        autoescape=select_autoescape(["html.j2"]),
    )  # fmt: skip
    environment.filters["hanging"] = lambda text, indent: wrapped(text, 76 - indent).replace("\n", "\n" + " " * indent)
    environment.filters["day"] = lambda day: f"{day.day} {day:%B %Y}"
    return environment
