"""Compile a document and its toolkit into one compiled email, once for all members.

document ─► expressions ─► directives ─► blocks ─► MJML ─► HTML ─┐
                                           └─► plain text ───────┴─► slots, links ─► CompiledEmail
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import zip_longest
from typing import Any

from markupsafe import Markup

from daisychain.errors import InputError
from daisychain.suggestions import nearest
from newsletters.compiled import CompiledEmail, CopyUse, Link
from newsletters.compose.bare_addresses import addressed_text, linked_page
from newsletters.compose.blocks import registry
from newsletters.compose.compose import Composer, Piece, layouts, phrases, tidied, uncomment
from newsletters.compose.directives import BlockNode, Node, TextNode, parse
from newsletters.compose.isolates import isolated_page, isolated_text, without_isolates
from newsletters.compose.mjml import compile_mjml, inlined
from newsletters.compose.mjml_rules import Broken
from newsletters.compose.names_in_scope import names
from newsletters.compose.own_parts import ChangeableParts, changeable_parts, with_own_parts
from newsletters.compose.page_links import place_in_mjml, place_in_page
from newsletters.compose.page_look import page_look
from newsletters.compose.pictures import Pictures, logo_room
from newsletters.compose.theme import look_of
from newsletters.documents.document import MEMBER_FIELDS, Document
from newsletters.documents.error_list import Mistakes
from newsletters.expressions.parse import Expressions, Line
from newsletters.expressions.slots import Slots
from newsletters.tokens import Kind, Mint
from newsletters.toolkits.brand import Brand, read_brand_among, read_brand_file
from newsletters.toolkits.files import BRAND
from newsletters.toolkits.images import ToolkitImage
from newsletters.toolkits.toolkit import Toolkit, current_day

# Invisible signs after the preheader keep an inbox from showing the text after it.
_PADDING = Markup("&#847;&zwnj;&nbsp;") * 60

_COMMAS = (",", "،", "，")  # with which a greeting ends: Latin, Arabic, Chinese


@dataclass(frozen=True)
class Compilation:
    """A compiled email with what it was made of; `image_contents` maps hashes to bytes.

    `mjml` is the source of its page, with slots, pictures and the links of the footer as tokens and other links whole,
    and marks, which are numbers of `places` (file and line); `css` is what its HTML has inlined. `alternatives` are
    emails without a body: the document's other subjects and preheaders, in order. `simple` is the same email without
    layout: its `html` is one plain column, its `text` has a part for each heading, with a form feed before it.
    """

    email: CompiledEmail
    image_contents: Mapping[str, bytes]
    document: Document
    toolkit: Toolkit
    mjml: str = field(default="", repr=False)
    css: str = field(default="", repr=False)
    places: tuple[tuple[str, int], ...] = field(default=(), repr=False)
    alternatives: tuple[CompiledEmail, ...] = field(default=(), repr=False)
    simple: CompiledEmail | None = field(default=None, repr=False)
    unknown: tuple[str, ...] = ()  # fields, taken as empty
    changeable: ChangeableParts = field(default_factory=ChangeableParts)

    @property
    def images(self) -> tuple[ToolkitImage, ...]:
        """The images that the email shows, each once."""
        rows, contents = {image.hash: image for image in self.email.images}, self.image_contents
        return tuple(
            ToolkitImage(row.name, contents[row.hash], row.media_type, row.width, row.height, row.hash, row.alt)
            for row in rows.values()
        )


def own_brand(document: Document) -> Brand | None:
    """Return the brand that `document` has for itself, or None to use its toolkit's; raises InputError."""
    if document.folder is None:
        name = document.brand or BRAND
        if name not in document.files and not document.brand:
            return None
        return read_brand_among(document.files, name, document.place("brand"))
    beside = document.folder / BRAND
    if document.brand:
        beside = document.folder / document.brand
        if not beside.resolve().is_relative_to(document.folder.resolve()):
            raise document.wrong("brand", f"The brand {document.brand!r} is outside the newsletter's folder.")
        return read_brand_file(beside)
    return read_brand_file(beside) if beside.is_file() else None


def compile_document(
    document: Document,
    toolkit: Toolkit,
    *,
    brand: Brand | None = None,
    list_fields: frozenset[str] = frozenset(),
    today: date | None = None,
    mint: Mint | None = None,
    mistakes: Mistakes | None = None,
    simple: bool = False,
    any_field: bool = False,
) -> Compilation:
    """Compile `document` with `toolkit`, also into its `simple` form if asked; raises InputError with its place.

    A `brand` replaces the toolkit's, in the compilation's toolkit too. `list_fields` are known in addition to the
    document's own. To compile again for another brand, pass the `mint` of the first time. With `mistakes` that
    collect, parts with errors are left out: the result can be looked at and must not be sent. With `any_field`,
    unknown fields are empty instead of errors.
    """
    toolkit = replace(toolkit, brand=brand) if brand else toolkit
    if document.layout not in registry().layouts:
        hint = nearest(document.layout, registry().layouts)
        raise document.wrong("layout", f"There is no layout {document.layout!r}.", hint)
    unknown: set[str] | None = set() if any_field else None
    mistakes = mistakes or Mistakes()
    return _Compiling(document, toolkit, list_fields, today or current_day(), mint, mistakes, unknown).run(simple)


class _Compiling:
    def __init__(
        self,
        document: Document,
        toolkit: Toolkit,
        list_fields: frozenset[str],
        today: date,
        mint: Mint | None,
        mistakes: Mistakes,
        unknown: set[str] | None,
    ) -> None:
        self._document = document
        self._toolkit = toolkit
        self._today = today
        self._mint = _unused_mint(document, toolkit, mint)
        fields = MEMBER_FIELDS | document.fields | list_fields
        self._mistakes = mistakes
        self._expressions = Expressions(self._mint, fields, names(document, toolkit), mistakes, unknown)
        self._slots = Slots(self._expressions)
        self._pictures = Pictures(toolkit, document, self._mint)
        self._look = look_of(toolkit.brand, document.direction, phrases(document.language))
        self._composer = Composer(document.layout, self._look, self._expressions, self._slots, self._pictures)
        self._copy: dict[str, CopyUse] = {}
        self._mjml = self._css = ""
        self._own_logos = ("", "")  # for light and dark pages

    def run(self, simple: bool) -> Compilation:
        subject = self._line(self._document.subject, "subject")
        preheader = self._line(self._document.preheader, "preheader")
        nodes = self._nodes(self._document.body, self._document.file, self._document.body_line)
        changeable = changeable_parts(nodes, self._mint)
        nodes = self._introduced(self._own(nodes))
        page = self._page(subject, preheader)
        html, links = self._placed(self._html(page, nodes))
        mjml = place_in_mjml(self._mjml, self._slots, self._mint)
        email = CompiledEmail(
            nonce=self._mint.nonce,
            subject=self._slots.place(subject, "header"),
            preheader=self._slots.place(preheader, "text"),
            html=html,
            text=self._text(page, nodes),
            slots=self._slots.rows,
            conditions=tuple(self._expressions.conditions),
            links=links,
            images=self._pictures.rows,
            fields=self._expressions.used_fields,
            language=self._document.language,
            direction=self._document.direction,
            title=page["title"],
            toolkit=self._toolkit.name,
            layout=self._document.layout,
            copy_blocks=tuple(self._copy.values()),
            from_address=self._document.from_address,
            reply_to=self._document.reply_to,
            look=page_look(self._toolkit.brand, *self._own_logos),
        ).hashed()
        return Compilation(
            email, self._pictures.contents, self._document, self._toolkit, mjml, self._css,
            tuple((line.file, line.number) for line in self._composer.places), self._alternatives(email),
            self._simple(page, nodes, email) if simple else None, tuple(sorted(self._expressions.unknown or ())),
            changeable,
        )  # fmt: skip

    def _simple(self, page: Mapping[str, Any], nodes: Sequence[Node], email: CompiledEmail) -> CompiledEmail:
        body = Markup(self._composer.simple(nodes, self._look))  # noqa: S704 - our own HTML
        whole = layouts("html").get_template("frame.mjml.j2").module.simple(page, body, self._look)  # type: ignore[attr-defined]
        css = layouts("html").get_template("simple.css.j2").render(look=self._look)
        whole = isolated_page(linked_page(str(whole), self._mint), self._mint, email.direction)
        html, links = self._placed(inlined(whole, css))
        text = self._placed_text(self._composer.paste(nodes))
        return replace(email, html=html, text=text, links=links, slots=self._slots.rows, images=self._pictures.rows)

    def _alternatives(self, email: CompiledEmail) -> tuple[CompiledEmail, ...]:
        document, place = self._document, self._slots.place
        subjects = [place(self._line(text, "subjects"), "header") for text in document.subjects]
        preheaders = [place(self._line(text, "preheaders"), "text") for text in document.preheaders]
        bare = replace(email, subject="", preheader="", html="", text="", slots=self._slots.rows)
        return tuple(
            replace(bare, subject=subject, preheader=preheader, conditions=tuple(self._expressions.conditions))
            for subject, preheader in zip_longest(subjects, preheaders, fillvalue="")
        )

    def _line(self, text: str, key: str) -> str:
        lines = self._expressions.evaluate(text, self._document.file, self._document.lines.get(key, 1))
        return self._isolated(" ".join(" ".join(line.text for line in lines).split()), slots=False)

    def _nodes(self, text: str, file: str, line: int) -> tuple[Node, ...]:
        lines = self._expressions.evaluate(text, file, line)
        return parse(lines, self._mint, self._mistakes, self._copied)

    def _own(self, nodes: tuple[Node, ...]) -> tuple[Node, ...]:
        brand = self._toolkit.brand
        if not (brand.button or brand.left_out):
            return nodes
        return with_own_parts(nodes, brand.button, brand.left_out, self._mint, brand.name)

    def _introduced(self, nodes: tuple[Node, ...]) -> tuple[Node, ...]:
        """Return `nodes` with the brand's intro after the opening; it has no expressions and no blocks."""
        words = self._toolkit.brand.intro
        if not words.strip():
            return nodes
        place = f"intro of {self._toolkit.brand.name}"
        intro = TextNode(tuple(Line(text, place, number) for number, text in enumerate(words.splitlines(), start=1)))
        opening = int(bool(nodes) and isinstance(nodes[0], BlockNode) and nodes[0].block.place == "section")
        before, after = nodes[:opening], nodes[opening:]
        if after and isinstance(after[0], TextNode):
            greeting, rest = _greeted(after[0])
            before, after = (*before, *greeting), (*rest, *after[1:])
        return (*before, intro, *after)

    def _copied(self, name: str, line: Line) -> Sequence[Node]:
        # A copy block's translation is named for it: welcome.cy beside welcome.
        translated = f"{name}.{self._document.language}"
        block = self._toolkit.copy.get(translated) or self._toolkit.copy.get(name)
        if block is None:
            message = f"The toolkit {self._toolkit.name!r} has no copy block {name!r}."
            raise line.wrong(message, nearest(name, self._toolkit.copy))
        if reason := block.unavailable(self._today):
            hint = f"Choose another, or ask {self._toolkit.coalition} for a new one."
            raise line.wrong(f"The copy block {block.id!r} {reason}.", hint)
        expires = block.expires.isoformat() if block.expires else ""
        self._copy[block.id] = CopyUse(block.id, block.version, block.approved_by, block.title, expires)
        lines = self._expressions.evaluate(block.body, block.file, block.line)
        return parse(lines, self._mint, self._mistakes, _nested_copy)

    def _page(self, subject: str, preheader: str) -> dict[str, Any]:
        brand = self._toolkit.brand
        # mjml-python would write the signs of isolates out in the title's copy in an attribute.
        title = self._document.title or without_isolates(self._slots.words(subject)) or self._toolkit.title
        words, sender = self._look.phrases, brand.footer.organisation or brand.name
        return {
            "language": self._document.language,
            "title": title,
            "preheader": preheader,
            "padding": _PADDING,
            "view": self._mint.write(Kind.VIEW),
            "unsubscribe": self._mint.write(Kind.UNSUBSCRIBE),
            "preferences": self._mint.write(Kind.PREFERENCES),
            "phrases": {**words, "why": brand.footer.why or words["why"].format(organisation=sender)},
            "lead": brand.lead.name if brand.lead else "",
            "logos": self._logos(),
            "footer": brand.footer,
        }

    def _logos(self) -> list[dict[str, Any]]:
        """Return the brand's own logo, and its lead's beside it; none if the brand's name is shown instead."""
        found: list[dict[str, Any]] = []
        for brand in (self._toolkit.brand, self._toolkit.brand.lead):
            if brand is None or brand.logo is None:
                break
            room = logo_room(brand.logo)
            src, image = self._pictures.keep(brand.logo, brand.logo.alt or brand.name, room)
            dark, dark_image = self._pictures.keep(brand.dark_logo, "", room) if brand.dark_logo else ("", None)
            if not found:
                self._own_logos = image.file_name, dark_image.file_name if dark_image else ""
            plate = {"white": "#ffffff", "dark": self._look.dark["surface"]}.get(brand.logo_plate, "")
            found.append({"src": src, "alt": image.alt, "width": room.shown(image)[0], "dark": dark, "plate": plate})
        return found

    def _html(self, page: Mapping[str, Any], nodes: Sequence[Node]) -> str:
        pieces = self._composer.sections(nodes)
        self._css = layouts("html").get_template("inline.css.j2").render(look=self._look)
        head = layouts("html").get_template("head.css.j2").render(look=self._look, page=page)
        layout = layouts("html").get_template(f"layouts/{self._document.layout}.mjml.j2").module

        # MJML after the body is the layout's own.
        end = self._composer.mark(self._line_of("layout"))

        def whole(pieces: Sequence[Piece]) -> str:
            body = Markup("\n").join(Markup(piece.mjml) for piece in pieces) + end  # noqa: S704 - our own MJML
            source = layout.html({**page, "head_css": Markup(head)}, body, self._look)  # type: ignore[attr-defined]  # noqa: S704
            self._mjml = isolated_page(linked_page(str(source), self._mint), self._mint, self._document.direction)
            return compile_mjml(self._mjml, self._css)

        try:
            html = whole(pieces)
        except Broken as error:
            raise self._broken(error, pieces, whole) from None
        return html

    def _broken(self, error: Broken, pieces: Sequence[Piece], whole: Callable[[Sequence[Piece]], str]) -> InputError:
        """Return the error for the author, with the place of the mark or of the first piece that breaks by itself."""
        if error.mark is not None:
            return _broken_at(error, self._composer.places[error.mark])
        for piece in pieces:
            try:
                whole([piece])
            except Broken as alone:
                return _broken_at(alone, piece.line)
        return _broken_at(error, self._line_of("layout"))

    def _text(self, page: Mapping[str, Any], nodes: Sequence[Node]) -> str:
        layout = layouts("text").get_template(f"layouts/{self._document.layout}.mjml.j2").module
        footer = self._composer.text_footer(self._line_of(""))
        written = layout.text({**page, "footer": footer}, self._composer.text(nodes), self._look)  # type: ignore[attr-defined]
        return self._placed_text(tidied(str(written))).rstrip("\n") + "\n"

    def _placed_text(self, text: str) -> str:
        line = self._line_of("")
        text = addressed_text(text, self._mint, lambda url: self._slots.url(url, line))
        return self._slots.place(self._isolated(text), "text")

    def _isolated(self, text: str, *, slots: bool = True) -> str:
        return isolated_text(text, self._mint, self._document.direction, slots=slots)

    def _placed(self, html: str) -> tuple[str, tuple[Link, ...]]:
        return place_in_page(
            uncomment(html, self._mint),
            self._slots,
            self._mint,
            Line("", self._document.file, self._document.body_line),
        )

    def _line_of(self, key: str) -> Line:
        return Line("", self._document.file, self._document.lines.get(key, 1))


def _nested_copy(_: str, line: Line) -> Sequence[Node]:
    raise line.wrong("A copy block can't hold another.")


def _broken_at(error: Broken, line: Line) -> InputError:
    hint = f"Look for HTML that is not closed or not spelled right ({error})."
    return line.wrong("This part can't be made into an email.", hint)


def _greeted(text: TextNode) -> tuple[list[TextNode], list[TextNode]]:
    """Return `text` before and after its greeting: a first paragraph of one line that ends with a comma."""
    lines = text.lines
    first = next((number for number, line in enumerate(lines) if line.text.strip()), len(lines))
    alone = first + 1 >= len(lines) or not lines[first + 1].text.strip()
    if first == len(lines) or not alone or not lines[first].text.rstrip().endswith(_COMMAS):
        return [], [text]
    return [TextNode(lines[: first + 1])], [TextNode(rest)] if (rest := lines[first + 1 :]) else []


def _unused_mint(document: Document, toolkit: Toolkit, mint: Mint | None) -> Mint:
    written = document.body + document.subject + toolkit.brand.intro
    written += "".join(block.body for block in toolkit.copy.values())
    while mint is None or mint.mark in written:
        mint = Mint.fresh()
    return mint
