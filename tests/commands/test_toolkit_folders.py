"""`toolkit new` and `toolkit export`: a folder from nothing, and the folder back."""

from __future__ import annotations

from newsletters.toolkits.toolkit import load_folder
from tests.command import Daisychain
from tests.newsletters.sample_toolkits import files, folder, picture

COPY = "Come to the fair.\n\n# Welcome\n\nHello {{ member.first_name | default('friend') }}.\n\n# Social\n\nThe fair!\n"


def test_a_new_toolkit_is_added_and_a_newsletter_uses_it(daisychain: Daisychain) -> None:
    (daisychain.folder / "words.txt").write_text(COPY)
    (daisychain.folder / "tent.png").write_bytes(picture())
    said = daisychain(
        "toolkit", "new", "spring-fair", "--title", "Spring Fair", "--coalition", "Friends", "--picture", "tent.png",
        "--alt", "A tent.", "--colour", "#1d5c53", "--colour", "#f2b632", "--copy", "words.txt",
    ).output  # fmt: skip
    assert "daisychain toolkit add spring-fair" in said
    assert "Nobody has approved" in said
    daisychain("toolkit", "add", "spring-fair")
    shown = daisychain.json("toolkit", "show", "spring-fair", "--format", "json")
    assert [(block["id"], block["channels"]) for block in shown["copy"]] == [
        ("welcome", ["email", "web"]), ("social", ["social"]),
    ]  # fmt: skip
    assert [image["alt"] for image in shown["images"]] == ["A tent."]
    text = "---\nsubject: Hello\ntoolkit: spring-fair\nlayout: letter\n---\n\n::: copy welcome\n"
    (daisychain.folder / "may.md").write_text(text)
    daisychain("newsletter", "preview", "may.md", "--out", "out", "--no-pictures")
    assert any("Hello friend" in path.read_text() for path in (daisychain.folder / "out").rglob("*.txt"))


def test_what_is_there_is_not_overwritten(daisychain: Daisychain) -> None:
    (daisychain.folder / "spring-fair").mkdir()
    (daisychain.folder / "spring-fair" / "mine.txt").write_text("mine")
    assert "something else" in daisychain("toolkit", "new", "spring-fair", code=None).output
    assert [path.name for path in (daisychain.folder / "spring-fair").iterdir()] == ["mine.txt"]


def test_an_exported_toolkit_added_again_is_unchanged(daisychain: Daisychain) -> None:
    folder(daisychain.folder / "kit")
    daisychain("toolkit", "add", "kit")
    before = daisychain.json("toolkit", "show", "spring-fair", "--format", "json")["content_hash"]
    daisychain("toolkit", "export", "spring-fair", "back")
    assert load_folder(daisychain.folder / "back").files == files()
    assert "unchanged" in daisychain("toolkit", "add", "back").output
    assert daisychain.json("toolkit", "show", "spring-fair", "--format", "json")["content_hash"] == before
    assert "exactly this already" in daisychain("toolkit", "export", "spring-fair", "back").output
    daisychain("toolkit", "export", "community-makes-us", "--zip")
    assert (daisychain.folder / "community-makes-us.zip").is_file()
    assert "something else" in daisychain("toolkit", "export", "community-makes-us", "back", code=None).output
