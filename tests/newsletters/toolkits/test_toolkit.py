"""Toolkits: what loads, and what is told to whoever wrote one that doesn't."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from daisychain.errors import InputError
from newsletters.toolkits import files as toolkit_files
from newsletters.toolkits.files import MAX_IMAGES
from newsletters.toolkits.toolkit import CHANNELS, load_files, load_folder
from tests.newsletters.sample_toolkits import BLOCK, SHEET, files, folder, picture


def test_a_toolkit_is_read_whole() -> None:
    kit = load_files(files(), "fair")
    block = kit.copy["welcome"]
    assert (kit.name, kit.campaign, kit.links) == (
        "spring-fair",
        "Spring Fair",
        {"join": "https://fairs.org.uk/join"},
    )
    assert (kit.images["tent"].width, kit.images["tent"].alt) == (8, "A striped tent.")
    assert (block.version, block.approved_by, block.channels) == ("2", "A. Trustee", ("email", "web"))
    assert (block.body, block.file, block.line) == ("Come to the *fair*.\n", "fair/copy/welcome.md", 10)
    assert kit.brand.footer.organisation == "Friends of Fairs"


def test_a_folder_and_its_files_are_the_same_toolkit(tmp_path: Path) -> None:
    assert load_folder(folder(tmp_path)).content_hash == load_files(files(), "fair").content_hash


def test_the_hash_follows_what_is_used_and_nothing_else(tmp_path: Path) -> None:
    before = load_folder(folder(tmp_path)).content_hash
    (tmp_path / "copy" / ".DS_Store").write_bytes(b"\0")
    (tmp_path / "notes.txt").write_text("not ours")
    assert load_folder(tmp_path).content_hash == before
    (tmp_path / "copy" / "welcome.md").write_text(BLOCK.replace("fair", "feast"))
    assert load_folder(tmp_path).content_hash != before


@pytest.mark.parametrize(
    "body",
    [
        "# One\n\n---\n\n# Two",
        "```\n---\n```",
        "مرحبا بكم",
        "नमस्ते 🌼",
        "<b>raw</b> & {{ braces }} ::: note",
        "| a |\n|---|\n| 1 |",
    ],
)
def test_any_markdown_is_kept_as_written(body: str) -> None:
    kit = load_files(files(welcome=BLOCK.replace("Come to the *fair*.", body)), "fair")
    assert kit.copy["welcome"].body == body + "\n"


@pytest.mark.parametrize("ends", [b"\r\n", b"\r"])
def test_files_of_other_systems_are_read_alike(ends: bytes) -> None:
    given = {
        path: content.replace(b"\n", ends) if path.endswith("md") else content for path, content in files().items()
    }
    given["toolkit.yml"] = b"\xef\xbb\xbf" + given["toolkit.yml"]
    assert load_files(given, "fair").copy == load_files(files(), "fair").copy


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        (date(2026, 4, 30), "is under embargo until 01 May 2026"),
        (date(2026, 5, 1), ""),
        (date(2026, 5, 31), ""),
        (date(2026, 6, 1), "expired on 31 May 2026"),
    ],
)
def test_copy_may_be_used_from_its_embargo_through_its_last_day(day: date, reason: str) -> None:
    text = BLOCK.replace("channels", "embargo: 2026-05-01\nexpires: 2026-05-31\nchannels")
    kit = load_files(files(welcome=text), "fair")
    assert kit.copy["welcome"].unavailable(day) == reason
    assert bool(kit.copy_for("email", day)) is not bool(reason)
    assert kit.copy_for("social", day) == []


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ("title: Spring", "titel: Spring", "toolkit.yml:2", "no key 'titel'.\n  Did you mean 'title'?"),
        ("title: Spring Fair\n", "", "toolkit.yml:1", "'title' is missing"),
        ("title: Spring Fair", "title:", "toolkit.yml:2", "'title' is empty"),
        ("title: Spring Fair", "title: [a, b]", "toolkit.yml:2", "must be text"),
        ("title: Spring Fair", "title: Spring: Fair", "toolkit.yml:2", "not valid YAML"),
        ("title: Spring Fair", "title: Spring\x07Fair", "toolkit.yml:2", "not valid YAML"),
        ("title: Spring Fair", "name: again", "toolkit.yml:2", "given twice, first on line 1"),
        ("name: spring-fair", "name: Spring Fair", "toolkit.yml:1", "can't be part of a web address"),
        ("name: spring-fair", "name: ../fair", "toolkit.yml:1", "can't be part of a web address"),
        ("https://fairs.org.uk/join", "javascript:alert(1)", "toolkit.yml:6", "no web address"),
        ("https://fairs.org.uk/join", "//fairs.org.uk", "toolkit.yml:6", "no web address"),
        ("https://fairs.org.uk/join", "/\\fairs.org.uk", "toolkit.yml:6", "no web address"),
        ("https://fairs.org.uk/join", "https://", "toolkit.yml:6", "no web address"),
        ("https://fairs.org.uk/join", "fairs.org.uk", "toolkit.yml:6", "no web address"),
        ("  join: https", "  join us: https", "toolkit.yml:6", "must be one word"),
        ("links:\n", "links: none\nsummary2:\n", "toolkit.yml:6", "no key 'summary2'"),
        ("images/tent.png", "images/tend.png", "toolkit.yml:9", "is missing"),
        ("images/tent.png", "../tent.png", "toolkit.yml:9", "inside the toolkit"),
        ("images/tent.png", "/etc/passwd", "toolkit.yml:9", "inside the toolkit"),
        ("images/tent.png", "copy/welcome.md", "toolkit.yml:9", "not a whole PNG, JPEG, GIF or WebP"),
        ("    alt: A striped tent.\n", "", "toolkit.yml:9", "no alt text"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_sheet_is_told_with_its_line(old: str, new: str, place: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        load_files(files(SHEET.replace(old, new)), "fair")
    assert words in str(caught.value)
    assert caught.value.place == f"fair/{place}"


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("---\nid", "id", 1, "no front matter"),
        ("short\n---\n", "short\n", 1, "not closed"),
        ("approved by", "approved-by", 5, "Did you mean 'approved by'?"),
        ("version: 2\n", "", 2, "'version' is missing"),
        ("email, web", "email, wed", 6, "Did you mean 'web'?"),
        ("email, web", "[]", 6, "'channels' is empty"),
        ("length: short", "length: medium", 7, "Known: long, short"),
        ("length: short", "length: short\nexpires: 31/05/2026", 8, "no date: '31/05/2026'"),
        ("length: short", "length: short\nexpires: 2026-02-30", 8, "no date"),
        ("length: short", "length: short\nembargo: 2026-06-01\nexpires: 2026-05-31", 9, "before its embargo"),
        ("id: welcome", "id: two words", 2, "must be one word"),
        ("id: welcome", "id: [[[[" + "[" * 500, 2, "nested too deeply"),
        ("\nCome to the *fair*.\n", "\n  \n", 8, "no text"),
        ("the", "the \0", 10, "zero character"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_copy_block_is_told_with_its_line(old: str, new: str, line: int, words: str) -> None:
    with pytest.raises(InputError) as caught:
        load_files(files(welcome=BLOCK.replace(old, new)), "fair")
    assert words in str(caught.value)
    assert (caught.value.file, caught.value.line) == ("fair/copy/welcome.md", line)


def test_an_id_used_twice_names_both_files() -> None:
    with pytest.raises(InputError, match=r"fair/copy/b\.md:2: The id 'welcome' is taken already, in fair/copy/a\.md"):
        load_files(files(a=BLOCK, b=BLOCK), "fair")


def test_text_that_is_not_utf_8_is_told_with_its_line() -> None:
    with pytest.raises(InputError, match=r"welcome\.md:10: This is not UTF-8"):
        load_files({**files(), "copy/welcome.md": BLOCK.encode().replace(b"fair", b"f\xe4ir")}, "fair")


def test_a_file_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    folder(tmp_path)
    with (tmp_path / "images/tent.png").open("r+b") as file:
        file.truncate(10**12)  # sparse: it takes no room, and nobody could read it
    with pytest.raises(InputError, match=r"toolkit\.yml:9: .* too large: 5,242,880 bytes"):
        load_folder(tmp_path)


def test_more_pictures_than_any_toolkit_needs_are_refused() -> None:
    listed = "".join(f"  tent{n}:\n    file: images/tent.png\n    alt: A tent.\n" for n in range(MAX_IMAGES))
    with pytest.raises(InputError, match=r"toolkit\.yml:7: There are 101 images; 100 are allowed"):
        load_files(files(SHEET + listed), "fair")


def test_more_words_than_any_toolkit_needs_are_refused() -> None:
    blocks = {f"b{n}": BLOCK.replace("welcome", f"w{n}") + "word " * 100_000 for n in range(3)}
    with pytest.raises(InputError, match=r"copy/b1\.md: The copy blocks up to here are too long together"):
        load_files(files(**blocks), "fair")


def test_files_too_large_together_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolkit_files, "MAX_TOTAL_BYTES", len(SHEET) + len(picture()) + 10)
    with pytest.raises(InputError, match=r"copy/welcome\.md: .* too large together"):
        load_files(files(), "fair")


@pytest.mark.parametrize("link", ["images/tent.png", "images", "copy/welcome.md", "copy"])
def test_a_link_out_of_the_folder_is_refused(tmp_path: Path, link: str) -> None:
    kit, elsewhere = folder(tmp_path / "kit"), tmp_path / "elsewhere"
    (kit / link).rename(elsewhere)
    (kit / link).symlink_to(elsewhere)
    with pytest.raises(InputError, match="leaves the toolkit's folder"):
        load_folder(kit)


def test_a_link_inside_the_folder_is_followed(tmp_path: Path) -> None:
    kit = folder(tmp_path)
    (kit / "images/tent.png").rename(kit / "big.png")
    (kit / "images/tent.png").symlink_to("../big.png")
    assert load_folder(kit).images["tent"].content == picture()


def test_a_folder_without_a_sheet_is_no_toolkit(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no toolkit\.yml"):
        load_folder(tmp_path)


def test_the_toolkit_that_ships_says_all_that_it_must() -> None:
    kit = load_folder(Path("newsletters/toolkits/shipped/community-makes-us"))
    assert {channel for block in kit.copy.values() for channel in block.channels} == set(CHANNELS)
    assert {block.approved_by for block in kit.copy.values()} == {"demonstration"}
    manifesto = " ".join(kit.copy["manifesto"].body.lower().split())
    for said in ("doing their best", "afraid", "lonely", "wish it were over", "older neighbour", "at risk",
                 "clapping for carers", "all in this together", "next door", "nation", "snowball",
                 "everyone has value", "every connection helps", "daisy chain", "grows", "above and beyond",
                 "normal"):  # fmt: skip
        assert said in manifesto
    assert kit.links["toolkit"] == f"/toolkits/{kit.name}"
    assert all(".example" in url or url.startswith("/") for url in kit.links.values())
    assert all(len(image.content) < 80 * 1024 and image.alt for image in kit.images.values())
