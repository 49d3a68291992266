"""Forms: a piece as fields to fill in, made from its block's header; writing a field changes only its own bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from newsletters.compose.blocks import Attribute, Block, registry
from newsletters.pieces.front_matter_form import HEAD_FIELDS, read_head, write_head
from newsletters.pieces.outline import SourcePiece, cut, cut_body, same_line_ends
from newsletters.pieces.regions import RegionName, first_line, regions_of
from newsletters.pieces.sentences import Sentence, sentence_of, write_sentence
from newsletters.pieces.values import FieldError, Given, Header, one_line, read_header, write_value

# `words` is a text of several lines, `field` a member's field, `copy` a copy block's name.
FieldKind = Literal["text", "url", "image", "choice", "words", "field", "copy"]

_LABELS = {"href": "Link", "src": "Picture", "image": "Picture", "alt": "Alt text"}


@dataclass(frozen=True)
class FormField:
    """One field: its value as somebody types it, and what the block's header says about it."""

    name: str
    kind: FieldKind
    value: str
    label: str
    summary: str = ""
    required: bool = False
    default: str = ""
    choices: tuple[str, ...] = ()

    def shows(self, typed: str) -> bool:
        """Return whether what was typed is its value, less the empty lines around a text, which no form shows."""
        ends = "\r\n" if self.kind == "words" else ""
        return same_line_ends(typed, self.value).strip(ends) == self.value.strip(ends)


@dataclass(frozen=True)
class PieceForm:
    """The fields of a piece, and the regions in it that are cut into pieces of their own."""

    fields: tuple[FormField, ...]
    regions: tuple[RegionName, ...] = ()

    def value(self, name: str) -> str:
        """Return a field's value; raises KeyError."""
        return {field.name: field.value for field in self.fields}[name]


def form_of(piece: SourcePiece) -> PieceForm | None:
    """Return the form of a piece; None if only its source can be shown."""
    if piece.kind == "words":
        return PieceForm((_words("body", piece.source, "Text"),)) if piece.closed else None
    if piece.kind == "head":
        values = read_head(piece.source)
        return None if values is None else PieceForm(tuple(_head_fields(values)))
    if piece.kind == "condition":
        return _condition_form(piece)
    header = read_header(first_line(piece)[1])
    if piece.kind == "copy" and header and len(header.given) == 1 and header.given[0].name is None:
        return PieceForm((FormField("copy", "copy", header.given[0].typed, "Copy", required=True),))
    block = registry().blocks.get(piece.name) if piece.kind == "block" and piece.closed else None
    given = _by_name(block, header) if block and header else None
    if block is None or given is None:
        return None
    regions = regions_of(piece)
    fields = [_attribute(item, given.get(item.name)) for item in block.attributes.values()]
    fields += [_words("body", each.text(piece), "Text") for each in regions if each.name == "body"]
    return PieceForm(tuple(fields), tuple(region.name for region in regions))


def write_form(piece: SourcePiece, values: Mapping[str, str]) -> str:
    """Return the source of a piece with these values; what is not named, or as it was, keeps its bytes.

    Raises FieldError for a value that can't be written, or that the form does not have.
    """
    form = form_of(piece)
    for name, value in values.items():
        field = next((each for each in form.fields if each.name == name), None) if form else None
        if form is None or field is None:
            raise FieldError(name, f"This piece has no field {name!r}.", "Load the newsletter again.")
        if field.shows(value):
            continue
        if field.kind == "choice" and value and value not in field.choices:
            raise FieldError(name, f"{name!r} can't be {value!r}.", f"Choose one of: {', '.join(field.choices)}.")
        source = _WRITERS[piece.kind](piece, field, value)
        again = cut(source) if piece.kind == "head" else cut_body(source)
        if piece.kind == "words":
            return source
        form = form_of(again[0]) if len(again) == 1 and again[0].kind == piece.kind else None
        if form is None or (
            field.kind == "words" and form.value(name).rstrip() != same_line_ends(value, source).rstrip()
        ):
            raise FieldError(name, "This would end the piece, or leave it open.", "Look for a line of ::: or {%.")
        piece = SourcePiece(piece.kind, again[0].name, piece.line, source)
    return piece.source


def _condition_form(piece: SourcePiece) -> PieceForm | None:
    sentence, regions = sentence_of(piece), regions_of(piece)
    if sentence is None or not regions:
        return None
    fields = [
        FormField("field", "field", sentence.field, "Only for people whose", required=True),
        FormField("asked", "choice", sentence.asked, "Value", choices=("known", "unknown", "equals"), required=True),
        FormField("value", "text", sentence.value, "What it is", "If it has to be a certain value."),
    ]
    labels = {"then": "They see", "otherwise": "The others see"}
    fields += [_words(each.name, each.text(piece), labels[each.name]) for each in regions]
    return PieceForm(tuple(fields), tuple(region.name for region in regions))


def _head_fields(values: Mapping[str, str]) -> Iterator[FormField]:
    for name, (label, summary) in HEAD_FIELDS.items():
        layouts = tuple(registry().layouts) if name == "layout" else ()
        kind: FieldKind = "choice" if layouts else "text"
        yield FormField(name, kind, values.get(name, ""), label, summary, required=name == "toolkit", choices=layouts)


def _words(name: str, text: str, label: str) -> FormField:
    return FormField(name, "words", text, label)


def _attribute(item: Attribute, given: Given | None) -> FormField:
    label = _LABELS.get(item.name, item.name.capitalize())
    value = given.typed if given else ""
    return FormField(item.name, item.type, value, label, item.summary, item.required, item.default, item.values)


def _by_name(block: Block, header: Header) -> dict[str, Given] | None:
    """Return the attributes that are given, by name; None if one is unknown or given twice."""
    main = next((item.name for item in block.attributes.values() if item.main), None)
    named = [(given.name or main, given) for given in header.given]
    found = {name: given for name, given in named if name in block.attributes}
    return found if len(found) == len(named) else None  # type: ignore[return-value]


def _write_attribute(piece: SourcePiece, field: FormField, value: str) -> str:
    if field.kind == "words":
        return _write_region(piece, field, value)
    start, line = first_line(piece)
    header, block = read_header(line), registry().blocks[piece.name]
    assert header is not None
    given = (_by_name(block, header) or {}).get(field.name)
    if not one_line(value, field.name):
        if field.required:
            raise FieldError(field.name, f"{field.label} is needed.", field.summary)
        written = line[: given.start] + line[given.end :] if given else line
    elif given:
        written = line[: given.value] + write_value(value, field.name) + line[given.end :]
    else:
        at = header.name_end if block.attributes[field.name].main else header.end
        name = "" if block.attributes[field.name].main else f"{field.name}="
        written = f"{line[:at]} {name}{write_value(value, field.name)}{line[at:]}"
    return piece.source[:start] + written + piece.source[start + len(line) :]


def _write_copy(piece: SourcePiece, field: FormField, value: str) -> str:
    start, line = first_line(piece)
    header = read_header(line)
    assert header is not None
    if not one_line(value, field.name):
        raise FieldError(field.name, "A copy block's name is needed.", "Choose one from the toolkit.")
    given = header.given[0]
    name = value if value.replace("-", "").replace("_", "").isalnum() else write_value(value, field.name)
    return piece.source[:start] + line[: given.value] + name + line[given.end :] + piece.source[start + len(line) :]


def _write_condition(piece: SourcePiece, field: FormField, value: str) -> str:
    if field.kind == "words":
        return _write_region(piece, field, value)
    sentence = sentence_of(piece)
    assert sentence is not None
    given = {**vars(sentence), field.name: value}
    if field.name == "value" and sentence.asked != "equals":
        return piece.source
    if field.name == "asked" and value == "equals" and not sentence.value:
        given["value"] = "…"
    return write_sentence(piece, Sentence(**given))


def _write_region(piece: SourcePiece, field: FormField, value: str) -> str:
    region = next(each for each in regions_of(piece) if each.name == field.name)
    return region.with_text(piece, same_line_ends(value, piece.source))


def _write_words(piece: SourcePiece, _: FormField, value: str) -> str:
    return same_line_ends(value, piece.source)


_WRITERS: Mapping[str, Callable[[SourcePiece, FormField, str], str]] = {
    "words": _write_words,
    "head": lambda piece, field, value: write_head(piece.source, field.name, value),
    "condition": _write_condition,
    "copy": _write_copy,
    "block": _write_attribute,
}
