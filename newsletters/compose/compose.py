"""Compose the tree of a newsletter into MJML, section by section, and into plain text, from the same blocks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from newsletters.compose.directives import BlockNode, ConditionNode, Node, TextNode
from newsletters.compose.item_numbers import WriteNumber, number_writer
from newsletters.compose.markdown import read_words, to_html
from newsletters.compose.narrow import breakable, figures, fitted_tables
from newsletters.compose.pictures import Pictures, Room
from newsletters.compose.plain_text import as_read, prefixed, to_paste, to_text, underlined, wrapped
from newsletters.compose.theme import COLUMN, Theme
from newsletters.expressions.parse import Expressions, Line
from newsletters.expressions.slots import Slots
from newsletters.tokens import Kind, Mint
from newsletters.toolkits.brand import Footer

_HEADING = re.compile(r"<h\d[ >]")
_HEAD_CELL = re.compile(r"<th(?=[ >])")
_SIDE = re.compile(r'(?<= style=")text-align:(left|right)"')
_BLANKS = re.compile(r"\n{3,}")


@dataclass(frozen=True)
class Piece:
    """A part of the body that is complete MJML, and where its author wrote it."""

    mjml: str
    line: Line


@dataclass(frozen=True)
class Composer:
    """Writes the parts of one newsletter."""

    layout: str
    look: Theme
    expressions: Expressions
    slots: Slots
    pictures: Pictures
    places: list[Line] = field(default_factory=list)  # of marks: the line of what follows
    _written: dict[TextNode, str] = field(default_factory=dict)  # HTML and text are made from the same

    def sections(self, nodes: Iterable[Node]) -> list[Piece]:
        """Return the body in sections, in order; text and the blocks among it share one."""
        pieces: list[Piece] = []
        run: list[Node] = []
        for node in nodes:
            if _in_column(node):
                run.append(node)
                continue
            self._flush(run, pieces)
            if isinstance(node, ConditionNode):
                pieces += self._conditional(node)
            elif isinstance(node, BlockNode):
                with self.expressions.mistakes:
                    pieces.append(Piece(self._block(node, self.look), node.line))
        self._flush(run, pieces)
        return pieces

    def text(self, nodes: Iterable[Node]) -> str:
        """Return the body as plain text; every part ends with an empty line."""

        def block(node: BlockNode) -> str:
            body = self.text(node.body)
            return tidied(str(self._macro(node, "text").text(self._text_attributes(node), body, self._text_look(node))))

        return self._joined(nodes, lambda node: to_text(self._html(node), *self._text_writers(node)), block)

    def simple(self, nodes: Iterable[Node], look: Theme) -> str:
        """Return the body as HTML without layout, for a mailbox's own editor; a comment begins each part."""
        out = layouts("html").get_template("simple.html.j2").module

        def block(node: BlockNode) -> str:
            inside = replace(look, tone=node.attributes.get("tone") or node.block.tone or look.tone)
            body = Markup(self.simple(node.body, inside))  # noqa: S704 - our own HTML
            return str(self._macro(node, "html").simple(self._attributes(node), body, look, out))

        return self._joined(nodes, lambda node: _HEADING.sub(r"<!--part-->\g<0>", self._html(node)), block)

    def paste(self, nodes: Iterable[Node]) -> str:
        """Return the body as text for an editor that takes it part by part; a form feed begins each part."""
        out = layouts("text").get_template("paste.txt.j2").module

        def block(node: BlockNode) -> str:
            body = self.paste(node.body)
            values = self._text_attributes(node, str)  # in an editor one types a link's whole address
            return tidied(str(self._macro(node, "text").simple(values, body, self._text_look(node), out)))

        return self._joined(
            nodes,
            lambda node: to_paste(self._html(node), *self._text_writers(node)),
            block,
            lambda token: f"{token}\n\n",
        )

    def _joined(
        self,
        nodes: Iterable[Node],
        words: Callable[[TextNode], str],
        block: Callable[[BlockNode], str],
        mark: Callable[[str], str] = str,
    ) -> str:
        """Write `nodes` in order; a condition's tokens, as `mark` writes them, surround its branches."""

        def one(node: Node) -> str:
            match node:
                case TextNode():
                    return words(node)
                case BlockNode():
                    return block(node)
                case ConditionNode():
                    begin, middle, end = (
                        mark(self.expressions.mint.write(kind, node.index))
                        for kind in (Kind.BEGIN, Kind.OTHERWISE, Kind.END)
                    )
                    then = begin + self._joined(node.then, words, block, mark)
                    otherwise = middle + self._joined(node.otherwise, words, block, mark) if node.otherwise else ""
                    return then + otherwise + end

        written = []
        for node in nodes:
            with self.expressions.mistakes:
                try:
                    written.append(one(node))
                except RecursionError:
                    raise _line(node).wrong("Tags are nested too deeply here.", "Take some of them out.") from None
        return "".join(written)

    def _flush(self, run: list[Node], pieces: list[Piece]) -> None:
        if run:
            section = layouts("html").get_template(f"layouts/{self.layout}.mjml.j2").module.section  # type: ignore[attr-defined]
            pieces.append(Piece(str(section(self._column(run, self.look), self.look)), _line(run[0])))
            run.clear()

    def _conditional(self, node: ConditionNode) -> list[Piece]:
        write = self.expressions.mint.write
        pieces: list[Piece] = []
        for kind, branch in (Kind.BEGIN, node.then), (Kind.OTHERWISE, node.otherwise):
            if kind is Kind.BEGIN or branch:
                pieces += [Piece(_raw(write(kind, node.index)), node.line), *self.sections(branch)]
        return [*pieces, Piece(_raw(write(Kind.END, node.index)), node.line)]

    def _column(self, nodes: Iterable[Node], look: Theme, words: str = "") -> Markup:
        def block(node: BlockNode) -> str:
            if node.block.place == "section":
                message = f"The block {node.block.name!r} can't be inside another."
                raise node.line.wrong(message, "Close the outer block before it, with a line of :::")
            return self._block(node, look)

        return Markup(self._joined(nodes, lambda node: self._words(node, look, words), block, _raw))  # noqa: S704 - our own MJML

    def _html(self, node: TextNode) -> str:
        if node not in self._written:
            html = to_html(read_words(node.lines, self.expressions), self._image_tag, self.slots.url)
            html = _HEAD_CELL.sub('<th scope="col"', html)
            if self.look.direction == "rtl":  # `---:` in a table means the end of a line, which is on the other side
                html = _SIDE.sub(lambda side: f'text-align:{"left" if side[1] == "right" else "right"}"', html)
            self._written[node] = html
        return self._written[node]

    def _words(self, node: TextNode, look: Theme, words: str) -> str:
        html = fitted_tables(self._html(node))
        mark = self.mark(_line(node))
        classes = f"words words-{look.tone} {words}".strip()
        return (
            f'{mark}<mj-text css-class="{classes}" color="{look.ink}" padding="0px {look.gutter}px">{html}</mj-text>'
            if html.strip()
            else ""
        )

    def _image_tag(self, name: str, alt: str | None, line: Line) -> dict[str, str]:
        room = Room(COLUMN)
        src, image = self.pictures.show(name, alt, line, room)
        return {"src": src, "alt": image.alt, "width": str(room.shown(image)[0])}

    def _block(self, node: BlockNode, look: Theme) -> str:
        tone = node.attributes.get("tone") or node.block.tone or look.tone
        shown = figures([(each["figure"], each["label"]) for each in _figures_in(node.body)])
        inside = replace(look, tone=tone, gutter=node.block.gutter or look.gutter, figures=shown)
        mark = self.mark(node.line)
        body = self._column(node.body, inside, node.block.words.format(**node.attributes)) + mark
        written = self._macro(node, "html").html(
            self._attributes(node), body, look if node.block.place == "column" else inside
        )
        return f"{mark}{written}"

    def mark(self, line: Line) -> Markup:
        """Return a mark for the MJML after it; its number is a row of `places`."""
        self.places.append(line)
        return Markup("<!--@{}-->").format(len(self.places) - 1)

    def _attributes(self, node: BlockNode, write_url: Callable[[str], str] = str) -> Mapping[str, Any]:
        values: dict[str, Any] = dict(node.attributes)
        for name, attribute in node.block.attributes.items():
            if values[name] and attribute.type == "url":
                if " " in values[name].strip():
                    raise node.line.wrong("This address has a space in it.", "Delete the space, or write %20 for it.")
                self.slots.url(values[name], node.line)
                values[name] = write_url(values[name])
            elif values[name] and attribute.type == "image":
                room = Room(attribute.width, attribute.height)
                src, image = self.pictures.show(values[name], values.get("alt") or None, node.line, room)
                width, height = room.shown(image)
                values[name] = {"src": src, "alt": image.alt, "width": width, "height": height}
        return values

    def _text_look(self, node: BlockNode) -> Theme:
        return replace(self.look, brand=replace(self.look.brand, footer=self.text_footer(node.line)))

    def text_footer(self, line: Line) -> Footer:
        """Return the brand's footer with its links as plain text has them."""
        footer = self.look.brand.footer
        return replace(footer, social={name: as_read(self.slots.url(url, line)) for name, url in footer.social.items()})

    def _text_attributes(self, node: BlockNode, as_shown: Callable[[str], str] = as_read) -> Mapping[str, Any]:
        write = self._text_url(node)
        return self._attributes(node, lambda url: as_shown(write(url)))

    def _text_writers(self, node: TextNode) -> tuple[Callable[[str], str], WriteNumber]:
        return self._text_url(node), number_writer(self.expressions, _line(node))

    def _text_url(self, node: TextNode | BlockNode) -> Callable[[str], str]:
        return lambda url: self.slots.url(url, _line(node))

    @staticmethod
    def _macro(node: BlockNode, kind: str) -> Any:
        return layouts(kind).get_template(f"blocks/{node.block.name}.mjml.j2").module


@cache
def layouts(kind: str) -> Environment:
    """Return the environment of our own templates: `html` escapes values, `text` does not."""
    environment = Environment(
        loader=PackageLoader("templates", "email"), undefined=StrictUndefined, autoescape=kind == "html",  # noqa: S701 - plain text
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters.update(
        wrapped=wrapped, underlined=underlined, quoted=_quoted, boxed=_boxed, pictured=_pictured, breakable=_breakable
    )
    return environment


@cache
def phrases(language: str) -> Mapping[str, str]:
    """Return the phrases of layouts in `language`, or in English if that language is not translated yet."""
    known = yaml.safe_load(files("templates").joinpath("email", "phrases.yml").read_text(encoding="utf-8"))
    return {**known["en"], **known.get(language.split("-")[0], {})}


def tidied(text: str) -> str:
    """Return `text` without empty lines at its edges or more than one between, then an empty line."""
    return _BLANKS.sub("\n\n", text).strip("\n") + "\n\n"


def uncomment(html: str, mint: Mint) -> str:
    """Return `html` with the conditions' tokens out of the comments that kept them in place between table rows."""
    return re.sub(rf"<!--({mint.pattern('[BOE]').pattern})-->", r"\1", html)


def _raw(token: str) -> str:
    # A comment may stand between table rows, where an HTML parser would move bare text out of the table.
    return f"<mj-raw><!--{token}--></mj-raw>"


def _in_column(node: Node) -> bool:
    if isinstance(node, ConditionNode):
        return all(_in_column(each) for each in (*node.then, *node.otherwise))
    return not isinstance(node, BlockNode) or node.block.place == "column"


def _figures_in(nodes: Iterable[Node]) -> Iterator[Mapping[str, str]]:
    """Yield the attributes of the blocks `number` among `nodes`, whatever their conditions."""
    for node in nodes:
        if isinstance(node, ConditionNode):
            yield from _figures_in((*node.then, *node.otherwise))
        elif isinstance(node, BlockNode) and node.block.name == "number":
            yield node.attributes


def _line(node: Node) -> Line:
    """Return the line on which what `node` shows begins."""
    match node:
        case TextNode():
            return node.lines[0]
        case ConditionNode():
            return _line(node.then[0]) if node.then else node.line
    return node.line


def _quoted(text: str) -> str:
    return prefixed(wrapped(text.rstrip("\n"), 68), "  ", "  ")


def _breakable(text: str) -> Markup:
    return Markup(breakable(str(escape(text))))  # noqa: S704 - escaped


def _pictured(image: Mapping[str, Any] | None) -> str:
    return wrapped(f"[{image['alt']}]") + "\n\n" if image and image["alt"] else ""


def _boxed(text: str) -> str:
    return prefixed(text.rstrip("\n"), "| ", "| ")
