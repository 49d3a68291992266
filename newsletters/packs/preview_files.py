"""Preview files: a pack's email as its partner's supporters get it, on a computer and on a phone.

preview.html needs no browser to be made; the pictures do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from daisychain.errors import InputError
from newsletters.browser.browser import BrowserError, Page, View, chromium, open_browser
from newsletters.packs.dialect_writer import write, write_lines
from newsletters.packs.dialects.dialect import ConditionTags, Dialect
from newsletters.packs.material import Material
from newsletters.packs.paste_files import without_parts
from newsletters.packs.readme import templates

# A reader to show; fields of a coalition's own are shown by their names.
_READER = {"first_name": "Sam", "last_name": "Example", "email": "sam@example.org"}
_VIEWS = {"preview.png": View(width=680), "preview-phone.png": View(width=375)}


def preview_files(material: Material, dialect: Dialect) -> dict[str, bytes]:
    """Return the preview's page and the email in it, and pictures of the whole email if that was chosen."""
    compilation, shown = material.compilation, filled_in(dialect)
    wording = material.wording(dialect, "../images/")
    if not wording.address:
        wording = replace(wording, address=f"(your postal address, which {dialect.name} adds)")
    chosen = compilation.simple if dialect.simple and compilation.simple else compilation.email
    page = without_parts(write(chosen, shown, wording).html)
    subject, preheader = write_lines(compilation.email, shown, wording)
    sender = material.partner.name if material.partner else "Your organisation"
    frame = templates().get_template("preview.html.j2").render(
        subject=subject, preheader=preheader, language=material.edition.language, tool=shown,
        direction=compilation.email.direction, sender=sender,
    )  # fmt: skip
    files = {"preview.html": frame.encode(), "preview/email.html": page.encode()}
    if material.edition.choices.pictures and chromium():
        files |= _pictures(page, tuple(material.pictures.items()))
    return files


def filled_in(dialect: Dialect) -> Dialect:
    """Return a dialect that writes what a reader gets in the places of the tool's tags."""
    fills = dialect.with_default or dialect.default_in_tool
    return replace(
        dialect,
        unsubscribe="#" if dialect.unsubscribe or dialect.unsubscribe_element else "", unsubscribe_element="",
        view="#" if dialect.view or dialect.view_element else "", view_element="",
        address="", names_sender=dialect.names_sender and not dialect.address,
        organisation="", must_have=(), rewrite=(), largest=0, never=(),
        tag=dialect.tag and "({name})", with_default="", default_in_tool="shown" if fills else "",
        tags={theirs: _READER[ours] for ours, theirs in dialect.names.items() if ours in _READER},
        condition=dialect.condition and ConditionTags("", "", ""),
    )  # fmt: skip


@lru_cache(maxsize=8)  # most tools show the same page
def _pictures(page: str, images: tuple[tuple[str, bytes], ...]) -> Mapping[str, bytes]:
    """Return a PNG of the whole page for each width; none if the browser can't take them."""
    files = {f"images/{name}": content for name, content in images}
    try:
        with open_browser() as browser:
            return {name: browser.picture(Page(page, files.get), view) for name, view in _VIEWS.items()}
    except (InputError, BrowserError):
        return {}
