"""Partners: what their file may say, their logo and colour, and how packs wear them."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from daisychain.errors import InputError
from daisychain.sheets.open_sheet import open_sheet
from newsletters.packs.logos import trimmed
from newsletters.packs.partner import LARGEST_FILE, Fail, Partner, note_columns, partner_of, read_partner, read_rows
from newsletters.toolkits.contrast import too_faint
from newsletters.toolkits.images import measure
from tests.daisychain.sheets.workbooks import write_xlsx
from tests.newsletters.packs.packing import packed, text
from tests.newsletters.sample_toolkits import picture

SHEET = """\
name: Bees of Bath
logo: logo.png
intro: We look after *bees*.
accent: "#7a1f5c"
reply: hello@bees.example
website: https://bees.example/
address: |
  2 Hive Lane
  Bath BA1 1AA
charity number: 0123
"""


def partner(folder: Path, sheet: str = SHEET) -> Partner:
    """The partner that `sheet` describes, with a logo beside it."""
    (folder / "logo.png").write_bytes(picture(80, 40))
    file = folder / "partner.yml"
    file.write_text(sheet, encoding="utf-8")
    return read_partner(file)


def rows_of(file: Path) -> list[Any]:
    """The rows of a CSV of partners."""
    with open_sheet(file, largest=LARGEST_FILE) as sheet:
        return list(read_rows(sheet))


def test_a_partner_is_read_from_its_file(tmp_path: Path) -> None:
    found = partner(tmp_path)
    assert (found.name, found.code, found.charity_number) == ("Bees of Bath", "bees-of-bath", "0123")
    assert found.address == "2 Hive Lane\nBath BA1 1AA"
    assert found.logo
    assert found.logo.alt == "Bees of Bath"


def test_a_pack_wears_the_partners_name_logo_intro_colour_address_and_reply(tmp_path: Path) -> None:
    pack = packed("brevo", partner=partner(tmp_path))
    page = text(pack, "email.html")
    for own in (
        "Bees of Bath",
        "We look after <em>bees</em>.",
        "#7a1f5c",
        "2 Hive Lane, Bath BA1 1AA",
        "hello@bees.example",
    ):
        assert own in page, own
    assert "Friends of Fairs" in page  # the coalition stays named beside it
    assert "images/bees-of-bath-logo.png" in pack.files
    assert "Reply-To: hello@bees.example" in text(packed("outlook", partner=partner(tmp_path)), "draft.eml")
    assert "Set the reply address to hello@bees.example" in text(pack, "README.txt")


def test_the_structure_stays_whatever_the_partner(tmp_path: Path) -> None:
    def skeleton(page: str) -> list[str]:
        return [word for word in ("Come to the fair", "Dear", "Come to the", "Join us", "the toolkit") if word in page]

    with_, without = packed("brevo", partner=partner(tmp_path)), packed("brevo", partner=None)
    assert skeleton(text(with_, "email.html")) == skeleton(text(without, "email.html"))


@pytest.mark.parametrize("pale", ["#f5c400", "#ffffff", "#dddddd", "#00ff00"])
def test_a_pale_accent_is_replaced_by_the_nearest_that_can_be_read_with_a_note(tmp_path: Path, pale: str) -> None:
    pack = packed("brevo", partner=partner(tmp_path, SHEET.replace("#7a1f5c", pale)))
    [used] = re.findall(rf"The colour {pale} is hard to read on this page:\s+links\s+have\s+(#[0-9a-f]{{6}})",
                        text(pack, "README.txt"))  # fmt: skip
    assert not too_faint(used, ["#ffffff"])
    assert used in text(pack, "email.html")
    assert "hard to read" not in text(packed("brevo", partner=partner(tmp_path)), "README.txt")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("name," + "x" * 140_000, r":1: The heading can't be read"),
        ("name\n" + "A\n" * 9_000_000, "larger than 16 MiB"),
    ],
    ids=["a long heading", "a long file"],
)
def test_a_csv_of_partners_that_can_not_be_read_is_told(tmp_path: Path, content: str, says: str) -> None:
    file = tmp_path / "partners.csv"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=says):
        rows_of(file)


@pytest.mark.parametrize(
    ("line", "wrong", "says"),
    [
        ("name: Bees of Bath", "name: ''", "needs a name"),
        ("logo: logo.png", "logo: ../logo.png", "outside the folder"),
        ("logo: logo.png", "logo: none.png", "no image"),
        ("We look after *bees*.", "'{{ member.email }}'", "signs of a template"),
        ("We look after *bees*.", "'::: copy secret'", "signs of a template"),
        ("hello@bees.example", "hello", "no address to write to"),
        ("hello@bees.example", f"{'a' * 250}@b.org", "no address to write to"),
        ("hello@bees.example", f"a@{'.' * 100_000}@", "no address to write to"),
        ("https://bees.example/", "javascript:alert(1)", "no web address"),
        ('"#7a1f5c"', "purplish", "is not a colour"),
        ("name:", "nmae:", "no key 'nmae'"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, line: str, wrong: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as error:
        partner(tmp_path, SHEET.replace(line, wrong))
    assert error.value.place


def test_a_partner_without_a_postal_address_is_told_where_the_tool_adds_none(tmp_path: Path) -> None:
    sheet = SHEET[: SHEET.index("address:")]
    with pytest.raises(InputError, match="no postal address, and Brevo adds none"):
        packed("brevo", partner=partner(tmp_path, sheet))
    assert "*|LIST:ADDRESS|*" in text(packed("mailchimp", partner=partner(tmp_path, sheet)), "email.html")


def test_a_row_of_a_csv_says_the_same_as_a_file(tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(picture(80, 40))
    file = tmp_path / "partners.csv"
    file.write_text(
        "Name,Logo,Intro,Accent,Reply,Website,Address,Charity_number\n"
        "Bees of Bath,logo.png,We look after *bees*.,#7a1f5c,hello@bees.example,https://bees.example/,"
        "2 Hive Lane / Bath BA1 1AA,0123\n\n",
        encoding="utf-8",
    )
    [(line, values, _)] = rows_of(file)
    from_row = partner_of(values, tmp_path, Fail(file, lambda key: line))
    from_file = partner(tmp_path)
    assert from_row == Partner(**{**vars(from_file), "place": f"{file}:2"})


@pytest.mark.processes
def test_a_row_of_a_workbook_is_read_like_a_row_of_a_csv(tmp_path: Path) -> None:
    cells = {"A1": "Name", "B1": "Charity number", "A3": "Bees of Bath", "B3": 1234567.0}
    file = write_xlsx(tmp_path / "partners.xlsx", {"Partners": cells})
    assert rows_of(file) == [(3, {"name": "Bees of Bath", "charity number": "1234567", "intro": ""}, "")]


def test_an_unknown_column_is_told_with_the_nearest(tmp_path: Path) -> None:
    file = tmp_path / "partners.csv"
    file.write_text("name,logoo\nA,b\n", encoding="utf-8")
    with pytest.raises(InputError, match="no column 'logoo'") as error:
        rows_of(file)
    assert "'logo'" in error.value.hint


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "_x000D_\n", "\v", "\u2028"], ids=ascii)
def test_line_breaks_in_cells_are_kept(tmp_path: Path, end: str) -> None:
    file = tmp_path / "partners.csv"
    words = f'"1 Road{end}Town{end}AB1"'
    file.write_bytes(f"name,address,intro\r\nA,{words},{words}\r\n".encode())
    [(line, values, _)] = rows_of(file)
    found = partner_of(values, tmp_path, Fail(file, lambda key: line))
    assert found.address == "1 Road\nTown\nAB1"
    pack = packed("brevo", partner=found)
    assert "1 Road, Town, AB1" in text(pack, "email.html")
    assert "1 Road\nTown\nAB1\n" in text(pack, "email.txt").split("YOUR")[0].replace("  \n", "\n")
    assert re.search(r"1 Road<br ?/?>\s*Town<br ?/?>\s*AB1", text(pack, "email.html"))


def test_the_heading_may_be_below_a_title(tmp_path: Path) -> None:
    file = tmp_path / "partners.csv"
    file.write_text("Our partners,\n,\nName,Address\nA,1 Road\n", encoding="utf-8")
    assert [(line, values["name"]) for line, values, _ in rows_of(file)] == [(4, "A")]


def test_columns_that_packs_do_not_use_are_notes_and_may_hold_anything(tmp_path: Path) -> None:
    file = tmp_path / "partners.csv"
    file.write_text('name,Contact person,Notes\nA,Jo,"{{ call\nher }}"\n', encoding="utf-8")
    [(_, values, _)] = rows_of(file)
    assert (values["contact person"], values["notes"]) == ("Jo", "{{ call\nher }}")
    assert partner_of(values, tmp_path, Fail(file, lambda key: 2)).name == "A"
    assert note_columns(values) == ["contact person", "notes"]


@pytest.mark.parametrize("ground", ["white", (0, 0, 0, 0)])
def test_logos_lose_the_margins_of_their_files(ground: object) -> None:
    picture = Image.new("RGBA", (300, 200), ground)  # type: ignore[arg-type]
    ImageDraw.Draw(picture).rectangle((100, 80, 199, 119), fill="#7a1f5c")
    file = io.BytesIO()
    picture.save(file, "PNG")
    logo = trimmed(measure(file.getvalue(), "logo", alt="Bees"))
    assert (logo.width, logo.height, logo.alt) == (100, 40, "Bees")


def logo(ink: object, ground: object = (0, 0, 0, 0), size: tuple[int, int] = (600, 200), kind: str = "PNG") -> bytes:
    """A logo: a word in the middle of its ground."""
    picture = Image.new("CMYK" if kind == "JPEG" else "RGBA", size, ground)  # type: ignore[arg-type]
    wide, high = size
    box = (wide // 8, high // 8, wide - wide // 8, high - high // 8)
    ImageDraw.Draw(picture).rectangle(box, fill=ink)  # type: ignore[arg-type]
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "says", "shown"),
    [
        (logo("#7a1f5c"), "", True),
        (logo("white", "#7a1f5c"), "", True),
        (logo("white"), "The logo is as pale as the page, so it has a dark plate behind it", True),
        (logo("#e6e6e0"), "The logo is as pale as the page, so it has a dark plate behind it", True),
        (logo("#f6f6f6", "white"), "The logo is empty, clear or white all over", False),
        (logo((0, 0, 0, 0)), "The logo is empty", False),
        (logo("white", "white"), "The logo is empty", False),
        (picture(80, 40), "", True),
        (logo("#7a1f5c", size=(48, 16)), "The logo is tiny: 37 × 13 pixels", True),
        (logo((0, 200, 100, 60), (0, 0, 0, 0), kind="JPEG"), "colours for print (CMYK)", True),
    ],
    ids=[
        "good",
        "white on a plate",
        "white",
        "nearly white",
        "white on white",
        "clear",
        "all white",
        "plain",
        "tiny",
        "CMYK",
    ],
)
def test_a_logo_that_will_not_look_right_is_told(tmp_path: Path, content: bytes, says: str, shown: bool) -> None:
    partner(tmp_path)
    (tmp_path / "logo.png").write_bytes(content)
    pack = packed("brevo", partner=read_partner(tmp_path / "partner.yml"))
    readme = " ".join(text(pack, "README.txt").split())
    assert ("The logo" in readme) is bool(says)
    assert says in readme
    assert ("images/bees-of-bath-logo.png" in pack.files) is shown
    assert ("plate" in says) is ("padding:8px 12px" in text(pack, "email.html").replace("padding: ", "padding:"))
    if shown:
        with Image.open(io.BytesIO(pack.files["images/bees-of-bath-logo.png"])) as picture:
            assert picture.mode in ("RGB", "RGBA")


@pytest.mark.parametrize("head", ["", '<?xml version="1.0"?>\n<!-- Drawn with love -->\n'])
def test_a_drawing_is_a_logo_too(tmp_path: Path, head: str) -> None:
    partner(tmp_path)
    drawn = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 100"><circle cx="50" cy="50" r="40"/></svg>'
    (tmp_path / "logo.png").write_text(head + drawn)
    found = read_partner(tmp_path / "partner.yml").logo
    assert found
    # The circle only, without the room around it.
    assert (found.media_type, found.width, found.height) == ("image/png", found.height, found.height)


@pytest.mark.parametrize("mark", ["\u200e", "\u200f", "\u202e", "\u2067", "\u061c"], ids=ascii)
def test_invisible_marks_of_direction_in_a_name_are_told_and_left_out(tmp_path: Path, mark: str) -> None:
    found = partner(tmp_path, SHEET.replace("name: Bees of Bath", f"name: Bees {mark}of Bath"))
    assert (found.name, found.code) == ("Bees of Bath", "bees-of-bath")
    assert "invisible marks of direction" in " ".join(text(packed("brevo", partner=found), "README.txt").split())
