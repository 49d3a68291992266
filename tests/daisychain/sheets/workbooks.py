"""Workbooks for tests, written as the few XML files that an XLSX or ODS is."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
# 0: general, 1: a date, 2: a date and time, 3: a time, 4: hours
_STYLES = f"""<styleSheet {_MAIN}><numFmts><numFmt numFmtId="164" formatCode="[h]:mm:ss"/></numFmts>
<cellXfs>{"".join(f'<xf numFmtId="{number}"/>' for number in (0, 14, 22, 20, 164))}</cellXfs></styleSheet>"""


def write_xlsx(
    path: Path, sheets: dict[str, dict[str, str | float | bool | tuple[float, int]]], hidden: str = ""
) -> Path:
    """Write sheets of cells by their place ("B7"); a number with a style is (number, style)."""
    names = list(enumerate(sheets, 1))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{_PACKAGE}">'
            f'<Relationship Id="r" Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        file.writestr("xl/styles.xml", _STYLES)
        file.writestr(
            "xl/workbook.xml",
            f'<workbook {_MAIN} xmlns:r="{_RELATIONS}"><sheets>'
            + "".join(
                f'<sheet name="{escape(name)}" sheetId="{number}" r:id="r{number}" '
                f'state="{"hidden" if name == hidden else "visible"}"/>'
                for number, name in names
            )
            + "</sheets></workbook>",
        )
        file.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{_PACKAGE}">'
            + "".join(
                f'<Relationship Id="r{number}" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet{number}.xml"/>'
                for number, _ in names
            )
            + f'<Relationship Id="s" Type="{_RELATIONS}/styles" Target="styles.xml"/></Relationships>',
        )
        for number, name in names:
            cells = "".join(f"<row>{_cell(place, value)}</row>" for place, value in sheets[name].items())
            file.writestr(
                f"xl/worksheets/sheet{number}.xml", f"<worksheet {_MAIN}><sheetData>{cells}</sheetData></worksheet>"
            )
    return path


def _cell(place: str, value: str | float | bool | tuple[float, int]) -> str:
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    number, style = value if isinstance(value, tuple) else (value, 0)
    return f'<c r="{place}" s="{style}"><v>{number!r}</v></c>'


def write_ods(path: Path, rows: list[list[str]], *, encrypted: bool = False) -> Path:
    """Write one sheet, of cells that are texts, or elements of their own; the manifest may say that it is encrypted."""
    cells = "".join(f"<table:table-row>{''.join(map(_ods_cell, row))}</table:table-row>" for row in rows)
    spaces = " ".join(
        f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{short}:1.0"' for short in ("office", "table", "text")
    )
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        file.writestr(
            "content.xml",
            f"<office:document-content {spaces}><office:body><office:spreadsheet>"
            f'<table:table table:name="People">{cells}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )
        file.writestr(
            "META-INF/manifest.xml",
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
            '<manifest:file-entry manifest:full-path="content.xml">'
            + ("<manifest:encryption-data/>" if encrypted else "")
            + "</manifest:file-entry></manifest:manifest>",
        )
    return path


def _ods_cell(cell: str) -> str:
    if cell.startswith("<"):
        return cell
    text = f"<text:p>{escape(cell)}</text:p>"
    return f'<table:table-cell office:value-type="string">{text}</table:table-cell>' if cell else "<table:table-cell/>"


def write_strange_zip(path: Path, strange: str) -> Path:
    """Write a ZIP of one file that Python's zipfile raises something unusual for."""
    with zipfile.ZipFile(path, "w") as file:
        entry = zipfile.ZipInfo("abc")
        entry.extra = struct.pack("<HH", 1, 4) + b"\0" * 4 if strange == "short sizes" else b""
        file.writestr(entry, "x")
    content = bytearray(path.read_bytes())
    listed = content.rindex(b"PK\x01\x02")
    if strange == "a newer version":
        content[listed + 6] = 99
    elif strange == "a name that is no UTF-8":
        content[listed + 9] = 0x08
        content[listed + 46 : listed + 49] = b"\xff\xfe\xfd"
    else:
        content[listed + 24 : listed + 28] = b"\xff" * 4
    path.write_bytes(content)
    return path


STRANGE_ZIPS = ("a newer version", "a name that is no UTF-8", "short sizes")
