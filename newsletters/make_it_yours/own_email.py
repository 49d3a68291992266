"""A ready-made email that can be made one's own: its edition, what may be changed in it, and the tools it fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

from daisychain.cache import Cache
from daisychain.errors import InputError
from newsletters.compose.own_parts import ChangeableParts
from newsletters.packs.dialect_writer import write_lines
from newsletters.packs.dialects.dialect import Dialect, dialects
from newsletters.packs.edition import Edition, branded
from newsletters.packs.material import Material, gather
from newsletters.packs.offers import Offer, offered_edition
from newsletters.packs.pack import Pack, make_pack, refuse_unfit
from newsletters.packs.partner import Partner
from newsletters.packs.preview_files import filled_in
from newsletters.packs.readme import steps_for
from newsletters.toolkits.images import ToolkitImage
from newsletters.toolkits.toolkit import Toolkit

# A tool that can express everything: the email is shown as its user called Sam gets it.
FOR_SAM = "mailchimp"


@dataclass(frozen=True)
class ToolChoice:
    """A tool with its `steps` and the `subject` as it is written there; `why` says if it can't express the email.

    With `otherwise`, it can after all, with the text for everybody else instead of what only some people see.
    """

    dialect: Dialect
    steps: Sequence[str]
    subject: str
    why: str = ""
    otherwise: bool = False

    @property
    def fits(self) -> bool:
        """Whether the email can be taken for this tool, one way or the other."""
        return not self.why or self.otherwise


@dataclass(frozen=True)
class OwnEmail:
    """An offered email, opened; made once for each state of its text."""

    offer: Offer
    edition: Edition
    material: Material  # without branding

    @property
    def changeable(self) -> ChangeableParts:
        """The parts that a member organisation could change, if the toolkit lets it."""
        return self.material.compilation.changeable

    @property
    def images(self) -> tuple[ToolkitImage, ...]:
        """The coalition's own pictures in it."""
        return self.material.compilation.images

    @cached_property
    def subject(self) -> str:
        """The subject as a reader called Sam gets it."""
        return _subject(self.material, filled_in(dialects()[FOR_SAM]))

    @cached_property
    def tools(self) -> list[ToolChoice]:
        """Every tool, by name; the general ones last."""
        found = sorted(dialects().values(), key=lambda each: (each.reply_to_leave, each.name.casefold()))
        return [self._tool(dialect) for dialect in found]

    def _tool(self, dialect: Dialect) -> ToolChoice:
        steps = steps_for(self.material, dialect)
        if not (why := _why_not(self.material, dialect)):
            return ToolChoice(dialect, steps, _subject(self.material, dialect))
        changed = gather(self._edition(otherwise=True), None)
        if _why_not(changed, dialect):
            return ToolChoice(dialect, steps, "", why)
        return ToolChoice(dialect, steps, _subject(changed, dialect), why, otherwise=True)

    def pack(self, partner: Partner, dialect: Dialect, *, otherwise: bool = False, hosted: bool = False) -> Pack:
        """Return the pack of `partner`, just as `newsletter pack` makes it; raises InputError."""
        return make_pack(gather(self._edition(otherwise=otherwise, hosted=hosted), partner), dialect)

    def hosted_images(self, partner: Partner) -> Sequence[ToolkitImage]:
        """Return the pictures that have to be served for the partner's pack if they are hosted."""
        return branded(self.edition, partner).images

    def _edition(self, *, otherwise: bool, hosted: bool = False) -> Edition:
        choices = replace(self.edition.choices, otherwise=otherwise, hosted=hosted)
        return replace(self.edition, choices=choices)


def open_own_email(offer: Offer, toolkit: Toolkit, public_url: str, today: date) -> OwnEmail:
    """Return the offered email; raises InputError if its copy may not be used today."""

    def opened() -> OwnEmail:
        edition = offered_edition(offer, toolkit, public_url, today)
        return OwnEmail(offer, edition, gather(edition, None))

    return _OPENED.get((offer, toolkit.content_hash, public_url, today), opened)


def lacks_address(partner: Partner, dialect: Dialect) -> str:
    """Return what to say if the tool adds no postal address and the partner has none; empty if all is well."""
    if partner.address or dialect.address or dialect.address_by_tool:
        return ""
    return f"{dialect.name} adds no address by itself, and newsletters have to say where their sender is."


def refused_words(edition: Edition, partner: Partner) -> str:
    """Return why the partner's own paragraph can't be used, such as HTML in it; empty if it can."""
    if not partner.intro:
        return ""

    def why() -> str:
        try:
            branded(edition, partner, simple=False)
        except InputError as error:
            return error.in_one_line
        return ""

    return _REFUSED.get((edition.hash, edition.toolkit.content_hash, partner.intro), why)


def _subject(material: Material, dialect: Dialect) -> str:
    return write_lines(material.compilation.email, dialect, material.wording(dialect))[0]


def _why_not(material: Material, dialect: Dialect) -> str:
    try:
        refuse_unfit(material, dialect)
    except InputError as error:
        return error.message
    return ""


_OPENED: Cache[OwnEmail] = Cache(32)
# The other fields change while the paragraph stays.
_REFUSED: Cache[str] = Cache(256)
