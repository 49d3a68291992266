"""README: the one page of a pack for the person who has to send it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
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
    "draft.eml": "the email as a draft for your mailbox",
    "preview.html": "what your supporters get, on a computer and on a phone",
    "paste/": "the email part by part, for editors that take no code",
    "images/": "the pictures, and what to write as their alt text",
    "preview.png": "a picture of the whole email on a computer",
    "preview-phone.png": "and on a phone",
    "preview/": "what preview.html shows",
    "social/": "posts, by network",
    "website/": "a piece for your website",
    "copy/": "short and long texts about the campaign",
    "source/": "for designers: the MJML and the colours",
    "pack.json": "what all this was made of, and when it expires",
}
# Words to be replaced in the code, and what to write there.
_FILL_IN = {YOUR_ORGANISATION: "Name of your organisation", YOUR_ADDRESS: "Its postal address"}
# Facts that matter in every pack; the others only if the newsletter uses them.
_ALWAYS = frozenset({"unsubscribe", "view", "address", "text", "media", "draft", "bcc", "zip"})


def readme(
    material: Material, dialect: Dialect, written: Written, key: str, files: Mapping[str, bytes]
) -> tuple[str, str]:
    """Return the page as HTML and as plain text."""
    edition, page = material.edition, files["email.html"].decode()
    fill_in = {words: label for words, label in _FILL_IN.items() if words in page}
    values = {
        "title": material.compilation.email.title,
        "partner": material.partner,
        "tool": dialect.name,
        "toolkit": edition.toolkit,
        "language": _foreign(edition.language),
        "steps": steps_for(material, dialect),
        "test": _test(dialect, written),
        "then": dialect.then,
        # That of a page to import is only there to put words into it.
        "code": page if dialect.code or (dialect.zip and fill_in) else "",
        "copied": dialect.code,
        "text": files["email.txt"].decode(),
        "fill_in": fill_in,
        "pictures": list(material.names.values()) if dialect.code and not edition.choices.hosted else [],
        "before": list(_before(material, dialect, written)),
        "subject": written.subject,
        "expires": edition.expires,
        "made": edition.today,
        "contents": _contents(files, dialect),
        "picture": "preview.png" in files,
        "standing": standing_url(edition.choices.public_url, key),
        "hosted": edition.choices.hosted,
        "host": edition.choices.public_url,
    }
    environment = templates()
    html = environment.get_template("readme.html.j2").render(values)
    text = environment.get_template("readme.txt.j2").render(values)
    return html, text.strip() + "\n"


def steps_for(material: Material, dialect: Dialect) -> list[str]:
    """Return what a person does with a pack in their tool, in order."""
    upload = dialect.picture_step and material.names and not material.edition.choices.hosted
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
        where = "everywhere" if dialect.simple else "in its line in README.html, which puts it into the email"
        if YOUR_ORGANISATION in written.html:
            yield f"Write the name of your organisation in place of {YOUR_ORGANISATION}, {where}."
        if YOUR_ADDRESS in written.html:
            yield f"Write your postal address in place of {YOUR_ADDRESS}: newsletters say where their sender is."
    if partner and partner.reply and dialect.draft:
        yield f"Send it from {partner.reply}: that is where answers, and wishes to leave, come in."
    elif partner and partner.reply:
        yield f"Set the reply address to {partner.reply}."
    yield from material.notes
    for name, words in written.defaults.items():
        if dialect.default_in_tool:
            yield f"{dialect.default_in_tool} {name} to “{words}”, for people without one."
    if written.asked:
        called = {theirs: dialect.lists.get(ours, theirs) for ours, theirs in dialect.names.items()}
        asked = dict.fromkeys(called.get(name, name) for name in written.asked)
        yield f"Your list needs these fields, called just so: {', '.join(asked)}."
    if material.foreign:
        language = language_name(material.edition.language)
        yield f"Some texts are in English, as the toolkit has none in {language}: {', '.join(material.foreign)}."
    for block in (material.edition.toolkit.copy[name] for name in material.edition.beside):
        if block.expires:
            yield f"“{block.title}”, in the posts or texts beside the email, is for use until {_day(block.expires)}."
    for cell, note in dialect.uncertain.items():
        if cell in _ALWAYS or cell in _used(material, dialect, written):
            yield note


def _used(material: Material, dialect: Dialect, written: Written) -> set[str]:
    """Return the facts about fields that this newsletter rests on."""
    used = {ours for ours, theirs in dialect.names.items() if theirs in written.asked}
    if set(written.asked) - set(dialect.names.values()):
        used.add("other_fields")
    if material.compilation.email.conditions:
        used.add("condition")
    if written.defaults and not dialect.default_in_tool:
        used.add("default")
    if dialect.languages and material.edition.language.split("-")[0].upper() not in dialect.languages:
        used.add("language")
    return used


def _contents(files: Mapping[str, bytes], dialect: Dialect) -> list[tuple[str, str]]:
    there = {path if "/" not in path else f"{PurePosixPath(path).parts[0]}/" for path in files} | {"pack.json"}
    words = _CONTENTS | ({"email.html": "the email, to copy from your browser"} if dialect.simple else {})
    return [(path, words[path]) for path in words if path in there]


@cache
def templates() -> Environment:
    """Return the environment of the templates of packs."""
    environment = Environment(
        loader=PackageLoader("templates", "packs"), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        autoescape=select_autoescape(["html.j2"]),
    )  # fmt: skip
    environment.filters["hanging"] = lambda text, indent: wrapped(text, 76 - indent).replace("\n", "\n" + " " * indent)
    environment.filters["day"] = _day
    return environment


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
