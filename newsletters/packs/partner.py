"""Partners: the member organisation that a pack is for, from partner.yml or a row of a sheet, and its brand.

name            as its supporters know it
for             the dialects of the tools that it sends with, if the command names none
language        the languages that it wants the newsletter in, such as cy, or en, cy, if the command names none
code            a short word for its links, such as bees-of-bath (default: made from the name, and kept)
formerly        its former name, if it has a new one and keeps its code
logo            a PNG, JPEG, GIF, WebP or SVG beside the file
intro           a paragraph of its own words, after the opening
button          where the email's main button leads instead
leave out       titles of stories that it leaves out; lines, or parts with " / " between
accent          its colour, for links and buttons; below a contrast of 4.5:1, the nearest that has it is used
reply           the address to which readers may write
website         its own site
address         its postal address; lines, or parts with " / " between
charity number

The toolkit says which of intro, button and stories a member organisation may change (`members may change`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import NoReturn

from daisychain.errors import InputError
from daisychain.sheets.sheet import Sheet
from daisychain.suggestions import nearest
from newsletters.documents.text_files import read_text
from newsletters.documents.yaml_with_lines import is_link, read_sheet
from newsletters.logo_files.logo_file import LARGEST_LOGO, LogoFile, read_logo_file
from newsletters.packs.dialect_writer import ADDRESS, YOUR_ORGANISATION
from newsletters.packs.logos import cleaned, is_empty, logo_notes, plate_for, trimmed
from newsletters.packs.partner_codes import CODE, Claim, assign_codes, name_key, new_code
from newsletters.toolkits.brand import Brand, Footer
from newsletters.toolkits.contrast import nearest_readable, parse_colour, too_faint
from newsletters.toolkits.images import ToolkitImage, read_beside
from newsletters.toolkits.toolkit import Toolkit

COLUMNS = (
    "name", "for", "language", "code", "formerly", "logo", "intro", "button", "leave out", "accent", "reply", "website",
    "address", "charity number",
)  # fmt: skip
# Used in packs without branding; the organisation that sends them replaces it.
YOUR_ADDRESS = "YOUR POSTAL ADDRESS"

LARGEST_FILE = 16 * 1024**2  # bytes
_LONGEST_ADDRESS = 254  # characters that an address may have for SMTP
_BREAKS = re.compile(r" / |[\n\r\v\f\x85\u2028\u2029]")
_ONE_BREAK = re.compile(r"(?<!\n)\n(?!\n)")
_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_ALIKE = 0.8  # how alike a heading must be to one of ours to be a slip and not a note
_REPLY = re.compile(r"[^@\s<>\"']+@[^@\s<>\"']+\.[^@\s<>\"']+")
_TEMPLATE = re.compile(r"\{\{|\{%|\{#|^[^\S\n]*:::", re.MULTILINE)
# Merge tags of newsletter tools. Web addresses may hold such signs.
_TAG = re.compile(
    r"\*\|.*?(?:\|\*|$)|%%.*?%%|%[A-Z][A-Z0-9_-]*%|\[\[.*?(?:\]\]|$)|\$\{.*?(?:\}|$)|\{\$.*?(?:\}|$)|<%.*?(?:%>|$)"
)
_MAY_HOLD_SIGNS = frozenset({"website", "button", "logo"})


@dataclass(frozen=True)
class Partner:
    """A member organisation as its packs show it; `place` (`file:line`) is its source, `notes` what to look at.

    `lines` has the line of each part that a toolkit may keep as it is.
    """

    name: str
    code: str
    formerly: str = ""
    dialects: str = ""
    languages: str = ""
    logo: ToolkitImage | None = None
    intro: str = ""
    button: str = ""
    left_out: tuple[str, ...] = ()
    accent: str = ""
    reply: str = ""
    website: str = ""
    address: str = ""
    charity_number: str = ""
    place: str = ""
    notes: tuple[str, ...] = ()
    lines: Mapping[str, int] = field(default_factory=dict, compare=False, repr=False)


class Fail:
    """Raises InputError with the place of a key."""

    def __init__(self, file: Path, line_of: Callable[[str], int]) -> None:
        self.file = file
        self.line_of = line_of

    def __call__(self, message: str, key: str, hint: str = "") -> NoReturn:
        raise InputError(message, file=self.file, line=self.line_of(key), hint=hint)


def read_partner(path: Path, claim: Claim = assign_codes) -> Partner:
    """Return the partner in the YAML file `path`, its code given by `claim`; raises InputError with file and line."""
    sheet = read_sheet(read_text(path, "There is no partner"), str(path))
    sheet.allow(COLUMNS, "A partner")
    values = {key: sheet.text(key, "") for key in sheet}
    fail = Fail(path, sheet.line_of)
    [(code, problem)] = claim([{"name": "", **values}])
    if problem:
        fail(problem, "code")
    return partner_of(values | ({"code": code} if code else {}), path.parent, fail)


def read_rows(sheet: Sheet) -> Iterator[tuple[int, dict[str, str], str]]:
    """Yield line, values and problem of each row of a sheet; raises InputError for a heading that looks like a slip.

    Columns that packs don't use are the coalition's notes.
    """
    sheet.find_header(lambda cells: "name" in map(heading, cells))
    head = [heading(name) for name in sheet.header]
    fail = Fail(sheet.path, lambda key: sheet.header_line)
    if "name" not in head:
        fail("There is no column 'name'.", "name", f"The first line names the columns: {', '.join(COLUMNS)}.")
    missing = [name for name in COLUMNS if name not in head]
    for name in note_columns(head):
        if get_close_matches(name, missing, cutoff=_ALIKE):
            fail(f"There is no column {name!r}.", name, nearest(name, missing))
    for line, cells, problem in sheet.rows(trim=False):
        values = dict(zip(head, map(cell_text, cells), strict=False))
        values["intro"] = with_breaks(values.get("intro", ""))
        yield line, values, problem


def with_breaks(text: str) -> str:
    """Return Markdown with its lines as they are: in a cell people break one because they want it there."""
    return _ONE_BREAK.sub("  \n", text)


def note_columns(head: Iterable[str]) -> list[str]:
    """Return the headings that packs don't use."""
    return [name for name in head if name and name not in COLUMNS]


def heading(cell: str) -> str:
    """Return a heading as columns are named: in small letters, with single spaces."""
    return re.sub(r"[\s_]+", " ", cell).strip().lower()


def cell_text(cell: str) -> str:
    """Return `cell` with each line break as a line feed: Excel on a Mac writes CR, its XML `_x000D_`."""
    return "\n".join(cell.replace("_x000D_", "").strip().splitlines())


def partner_of(values: Mapping[str, str], folder: Path | None, fail: Fail, logo: LogoFile | None = None) -> Partner:
    """Return the partner that `values` describe; its logo is looked for in `folder`, or is the one given."""
    given = " ".join(values.get("name", "").split())
    name = _DIRECTION.sub("", given)
    if not name_key(name):
        fail("A partner needs a name.", "name")
    notes = [] if name == given else ["The name has invisible marks of direction, which turn words round: left out."]
    code = values.get("code", "") or new_code(name)
    if not CODE.fullmatch(code):
        fail(
            f"The code {code!r} can't be part of a link.",
            "code",
            "Use small letters a to z, digits and hyphens: bees-of-bath.",
        )
    _refuse_templates(values, fail)
    website, reply = _link(values, "website", fail), values.get("reply", "")
    if reply and not (len(reply) <= _LONGEST_ADDRESS and _REPLY.fullmatch(reply)):
        fail(f"{reply[:_LONGEST_ADDRESS]!r} is no address to write to.", "reply", "Write hello@example.org")
    lines = _lines(values.get("address", ""))
    address = "\n".join(lines[1:] if lines and name_key(lines[0]) == name_key(name) else lines)  # the name is above it
    if folder and (file := values.get("logo", "")):
        content = read_beside(folder, file, LARGEST_LOGO, file=fail.file, line=fail.line_of("logo"))
        logo = read_logo_file(content, f"{code}-logo", file=fail.file, line=fail.line_of("logo"))
    return Partner(
        name=name,
        code=code,
        formerly=values.get("formerly", ""),
        dialects=values.get("for", ""),
        languages=values.get("language", ""),
        logo=_logo(logo, name, code, notes) if logo else None,
        intro=values.get("intro", "").strip(),
        button=_link(values, "button", fail),
        left_out=tuple(_lines(values.get("leave out", ""))),
        accent=_colour(values.get("accent", ""), fail),
        reply=reply,
        website=website,
        address=address,
        charity_number=values.get("charity number", ""),
        place=f"{fail.file}:{fail.line_of('name')}",
        notes=tuple(notes),
        lines={key: fail.line_of(key) for key in _PART_OF},
    )


def partner_brand(partner: Partner | None, toolkit: Toolkit, phrases: Mapping[str, str]) -> Brand:
    """Return the toolkit's brand with what is the partner's own; without a partner, words to be replaced."""
    own = toolkit.brand
    if partner is None:
        return replace(own, footer=Footer(organisation=YOUR_ORGANISATION, address=ADDRESS))
    _refuse_locked(partner, toolkit)
    lead = replace(own, logo=trimmed(own.logo)) if own.logo else own
    colours = dict(own.colours)
    if partner.accent:
        readable = readable_on(partner.accent, colours)
        colours |= {"accent": readable, "link": readable}
    social = {
        phrases["website"]: partner.website,
        phrases["write_to_us"]: f"mailto:{partner.reply}" if partner.reply else "",
    }
    return replace(
        own,
        name=partner.name,
        colours=colours,
        logo=partner.logo,
        logo_plate=plate_for(partner.logo, colours["surface"]) if partner.logo else "",
        dark_logo=None,
        lead=lead,
        intro=partner.intro,
        button=partner.button,
        left_out=partner.left_out,
        footer=Footer(
            organisation=partner.name,
            address=ADDRESS,
            charity_number=partner.charity_number,
            social={words: url for words, url in social.items() if url},
        ),
    )


def locked_keys(partner: Partner, toolkit: Toolkit) -> list[str]:
    """Return what the partner changes although the toolkit keeps it as it is."""
    changed = {"intro": partner.intro, "button": partner.button, "leave out": partner.left_out}
    return [key for key, value in changed.items() if value and _PART_OF[key] not in toolkit.members_may_change]


_PART_OF = {"intro": "intro", "button": "button", "leave out": "stories"}
LOCKED = "The emails of this toolkit stay as they are here."


def _refuse_locked(partner: Partner, toolkit: Toolkit) -> None:
    for key in locked_keys(partner, toolkit):
        raise InputError(
            f"{LOCKED[:-1]}: {key!r} can't be used with {toolkit.title}.",
            file=partner.place.rpartition(":")[0] or None,
            line=partner.lines.get(key),
            hint=f"Take it out, or ask {toolkit.coalition}.",
        )


def readable_on(colour: str, colours: Mapping[str, str]) -> str:
    """Return the colour, or the nearest that can be read on the page."""
    grounds = (colours["surface"], colours["background"])
    return (nearest_readable(colour, grounds) or colours["link"]) if too_faint(colour, grounds) else colour


def _refuse_templates(values: Mapping[str, str], fail: Fail) -> None:
    # A partner's words are never a template: they come from outside the coalition.
    for key in COLUMNS:
        value = values.get(key, "")
        if _TEMPLATE.search(value):
            fail(f"{key!r} holds signs of a template.", key, "Write plain words, without {{, {% or :::.")
        if key not in _MAY_HOLD_SIGNS and (tag := _TAG.search(value)):
            fail(f"{key!r} holds {tag[0]!r}, a merge tag of a newsletter tool.", key, "Write plain words instead.")
        if key not in ("intro", "address", "leave out") and "\n" in value:
            fail(f"{key!r} must be one line.", key)


def _logo(file: LogoFile, name: str, code: str, notes: list[str]) -> ToolkitImage | None:
    """Return the logo without its margins, or None if there is nothing in it; adds to `notes` what to know of it."""
    measured = replace(file.image, name=f"{code}-logo", alt=name)
    if is_empty(measured):
        notes.append("The logo is empty, clear or white all over: the name is shown instead.")
        return None
    shown = cleaned(measured)
    notes.extend(logo_notes(shown, printed=file.printed))
    return shown


def _link(values: Mapping[str, str], key: str, fail: Fail) -> str:
    value = values.get(key, "")
    if value and not (is_link(value) and value.startswith("http")):
        fail(f"{value!r} is no web address.", key, "Write https://…")
    return value


def _lines(value: str) -> list[str]:
    """Return the lines of `value`, or its parts with " / " between."""
    return [line.strip() for line in _BREAKS.split(value) if line.strip()]


def _colour(value: str, fail: Fail) -> str:
    if not value:
        return ""
    if not (found := parse_colour(value)):
        fail(f"{value!r} is not a colour, or has transparency.", "accent", 'Write it as "#1f5f4f", in quotes.')
    return found
