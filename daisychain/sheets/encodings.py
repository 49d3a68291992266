"""Which encoding a CSV is in: its mark, UTF-8, or a guess, which is used only if nothing else is possible."""

from __future__ import annotations

import codecs
import io
import re
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from daisychain.errors import InputError

# Those of UTF-32 first: UTF-16's mark is how one of them begins.
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
# What spreadsheet programs save, the likeliest here first: Windows, Mac and DOS in Western and Central Europe, then
# others. charset-normalizer knows some 90, and finds readings in all of them.
_LIKELY = (
    "cp1252", "cp1250", "mac_roman", "cp850", "cp1257", "cp1254", "cp1251", "cp1253", "iso8859_2", "koi8_r", "cp1255",
    "cp1256", "cp932", "gb18030", "big5", "cp949",
)  # fmt: skip
# Fewer words than this prove nothing; more than `_MANY` prove nothing more.
_ENOUGH, _MANY = 10, 500
# The part of a long cell around its first letter that is not ASCII.
_FOREIGN = re.compile(r"[\x00-\x7f]*?([\x00-\x7f]{0,15}[^\x00-\x7f].{0,15}).*")
_BETWEEN_CELLS = re.compile(rb'[,;\t"\r\n]+')


def find_encoding(path: Path, binary: BinaryIO, asked: str | None) -> tuple[str, str]:
    """Return an encoding that all of a CSV is in, and a note if it was guessed.

    Raises InputError that shows which encodings it might be.
    """
    binary.seek(0)
    head = binary.read(4)
    marked = next((encoding for mark, encoding in _BOMS if head.startswith(mark)), None)
    encoding = _asked(path, asked, marked) if asked else marked or _without_mark(head)
    error = _undecodable(path, binary, encoding)
    if error is None:
        return encoding, ""
    if encoding != "utf-8" or asked:
        error.hint = "Try another --encoding, or leave it out." if asked else "Save it again as “CSV UTF-8”."
        raise error
    words = _foreign_words(binary)
    readings = _readings(words)
    mixed = any(map(_is_utf8, words))
    if len(readings) == 1 and len(words) >= _ENOUGH and not mixed:
        [guess] = readings
        if _undecodable(path, binary, guess) is None:
            return guess, f"The file is not UTF-8. Read as {guess}, the only encoding that fits it."
    error.hint = "Other lines are UTF-8, so correct this one." if mixed else "Save it as “CSV UTF-8”."
    error.hint += "\nOr choose the encoding that reads right:" if readings else ""
    for name, shown in list(readings.items())[:3]:
        error.hint += f"\n  --encoding {name:<10} {', '.join(shown)}"
    raise error


def _asked(path: Path, asked: str, marked: str | None) -> str:
    try:
        known = codecs.lookup(asked)
        io.TextIOWrapper(io.BytesIO(), encoding=known.name)  # refuses codecs that are not for text
    except LookupError:
        raise InputError(
            f"There is no text encoding named {asked!r}.", hint="For instance: utf-8, cp1252, utf-16"
        ) from None
    if marked and known.name.split("-")[:2] != marked.split("-")[:2]:
        raise InputError(f"The file is marked as {marked}.", file=path, hint="Leave --encoding out.")
    return marked or known.name


def _without_mark(head: bytes) -> str:
    """Return the encoding of a file without a mark: a NUL beside its first letters shows UTF-16 or UTF-32."""
    if b"\0" not in head:
        return "utf-8"
    order = "be" if head.startswith(b"\0") else "le"
    return f"utf-{32 if head.count(0) == 3 else 16}-{order}"


def _undecodable(path: Path, binary: BinaryIO, encoding: str) -> InputError | None:
    """Return what to say about the first byte of a file that is not `encoding`, if there is one."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line, end, chunk = 1, 0, b"-"
    binary.seek(0)
    while chunk:
        chunk = binary.read(65_536)
        end += len(chunk)
        try:
            line += _line_ends(decoder.decode(chunk, final=not chunk))
        except UnicodeDecodeError as error:
            # error.object holds what the decoder had kept back as well as this chunk
            byte = f"Byte {end - len(error.object) + error.start + 1:,} (0x{error.object[error.start]:02X})"
            line += _line_ends(error.object[: error.start].decode(encoding, "ignore"))
            return InputError(f"{byte} is not {encoding.removesuffix('-sig').upper()}.", file=path, line=line)
    return None


def _line_ends(text: str) -> int:
    return max(text.count("\n"), text.count("\r"))  # some programs on a Mac write only the latter


def _is_utf8(word: bytes) -> bool:
    with suppress(UnicodeDecodeError):
        return bool(word.decode())
    return False


def _foreign_words(binary: BinaryIO) -> list[bytes]:
    """Return the first different cells that are not plain ASCII."""
    words: dict[bytes, None] = {}
    rest = b""
    binary.seek(0)
    while len(words) < _MANY and (chunk := binary.read(65_536)):
        # No encoding of the list has these marks within a character of several bytes.
        *cells, rest = _BETWEEN_CELLS.split(rest[-1024:] + chunk)
        words |= dict.fromkeys(cell.strip() for cell in cells if not cell.isascii())
    return list(words) + ([] if rest.isascii() else [rest])


def _readings(words: list[bytes]) -> dict[str, list[str]]:
    """Return how up to three of the words read in each encoding that gives another text, the likeliest first."""
    from charset_normalizer import from_bytes  # here, because it takes 30 ms and most files are UTF-8

    sample = b"\n".join(words)
    found = from_bytes(sample, cp_isolation=list(_LIKELY), enable_fallback=False)
    # Those of a match give the same text; "chaos" is how unlike any language the text is.
    matches = sorted(
        (match.chaos > 0.05, min(map(_LIKELY.index, match.could_be_from_charset)))
        for match in found
    )  # fmt: skip
    texts: dict[str, str] = {}
    # The guess drops texts with marks such as £ and ’, which Western names and notes are full of.
    for name in (_LIKELY[0], *(_LIKELY[place] for _, place in matches)):
        with suppress(UnicodeDecodeError):
            texts.setdefault(sample.decode(name), name)
    return {name: [_FOREIGN.sub(r"\1", word) for word in text.split("\n")[:3]] for text, name in texts.items()}
