"""A stored newsletter compiles to the same email as its files, and comes back from files byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from daisychain.database import Database
from daisychain.errors import InputError, StateError
from newsletters.checks import check_file
from newsletters.compose.languages import Languages, compile_languages
from newsletters.compose.manuscript import Manuscript
from newsletters.stored.beginnings import from_starter
from newsletters.stored.contents import Contents
from newsletters.stored.folder_copy import note_version, pull, push, read_folder
from newsletters.stored.manuscripts import find_manuscript
from newsletters.stored.newsletters import SavedNewsletter, create, find
from newsletters.stored.saving import Collision
from newsletters.toolkit_store.store import add_toolkit, find_toolkit
from tests.newsletters import sample_toolkits

FIRST = (
    "---\r\nsubject: Hello\r\ntoolkit: spring-fair\r\n---\r\n"
    '::: image "pictures/our tent.png" alt="A tent"\r\n\r\nHello ![tent](tent.jpg)\r\n'
)
WELSH = '---\nsubject: Helo\n---\n::: image "pictures/our tent.png" alt="Pabell"\n\nHelo ![tent](tent.jpg)'
BRAND = "name: Bees\nlogo: logos/bee.png\ncolours: {primary: '#123456'}\nfooter: {address: 1 Bee St}\n"


@pytest.fixture
def connection(database: Database, tmp_path: Path) -> Iterator[Connection]:
    """A connection to a database that has the toolkit."""
    with database.engine.connect() as connection:
        add_toolkit(connection, sample_toolkits.folder(tmp_path / "kit"))
        connection.commit()
        yield connection


@pytest.fixture
def may(tmp_path: Path) -> Path:
    """A newsletter in files, with a translation, pictures and a brand."""
    folder = tmp_path / "work"
    for name, content in {
        "may.md": FIRST.encode(), "may.cy.md": b"\xef\xbb\xbf" + WELSH.encode(), "brand.yml": BRAND.encode(),
        "pictures/our tent.png": sample_toolkits.picture(12), "tent.jpg": sample_toolkits.picture(13, format_="JPEG"),
        "logos/bee.png": sample_toolkits.picture(30, 10), "unused.png": sample_toolkits.picture(40),
        "may.old.md": b"no translation",
    }.items():  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder / "may.md"


def compiled(connection: Connection, written: Path | Manuscript) -> Languages:
    return compile_languages(written, partial(find_toolkit, connection=connection))


def stored(result: SavedNewsletter | Collision) -> SavedNewsletter:
    assert isinstance(result, SavedNewsletter)
    return result


def tree(folder: Path) -> dict[str, bytes]:
    """The files of a folder, without our own notes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*") if path.is_file() and path.suffix != ".pulled"
    }  # fmt: skip


def test_a_stored_newsletter_compiles_to_the_same_email_as_its_files(connection: Connection, may: Path) -> None:
    stored(push(connection, may, who="Ann"))
    ours, files = compiled(connection, find_manuscript(connection, "may")), compiled(connection, may)
    assert {code: made.email.hash for code, made in ours.compilations.items()} == {
        code: made.email.hash for code, made in files.compilations.items()
    }
    assert set(ours.compilations) == {"en", "cy"}
    assert ours.first.toolkit.brand == files.first.toolkit.brand
    assert ours.first.image_contents == files.first.image_contents


def test_pushed_and_pulled_files_are_the_same_byte_for_byte(connection: Connection, may: Path, tmp_path: Path) -> None:
    stored(push(connection, may, who="Ann"))
    files = pull(connection, "may", tmp_path / "again")
    assert files[0] == tmp_path / "again/may.md"
    before = {name: content for name, content in tree(may.parent).items() if name not in ("unused.png", "may.old.md")}
    assert tree(tmp_path / "again") == before
    note_version(may.parent, find(connection, "may"))
    assert stored(push(connection, files[0], who="Ann")).version == 1


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60))
def test_any_text_that_can_be_stored_comes_back_byte_for_byte(
    connection: Connection, tmp_path: Path, body: str
) -> None:
    text = FIRST + body
    with connection.begin_nested() as undone:
        create(connection, "Odd", Contents({"": text, "cy": body}), who="Ann", name="odd")
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        pull(connection, "odd", folder)
        undone.rollback()
    assert tree(folder) == {"odd.md": text.encode(), "odd.cy.md": body.encode()}


def test_a_translation_is_pushed_with_what_it_translates(connection: Connection, may: Path) -> None:
    assert set(stored(push(connection, may.with_name("may.cy.md"), who="Ann")).contents.texts) == {"", "cy"}
    assert find(connection, "may").version == 1


def test_a_new_newsletter_starts_with_the_toolkits_own_copy(connection: Connection) -> None:
    made = create(connection, "New", from_starter(connection, "spring-fair", "letter"), who="Ann")
    assert "Friends of Fairs" in made.contents.texts[""]
    with pytest.raises(InputError, match="no toolkit"):
        from_starter(connection, "nowhere", "letter")


def test_a_push_of_what_moved_is_refused_and_kept(connection: Connection, may: Path, tmp_path: Path) -> None:
    stored(push(connection, may, who="Ann"))
    note_version(may.parent, find(connection, "may"))
    (theirs,) = [path for path in pull(connection, "may", tmp_path / "theirs") if path.name == "may.md"]
    theirs.write_bytes(FIRST.replace("Hello !", "Sam's !").encode())
    assert stored(push(connection, theirs, who="Sam")).version == 2
    may.write_bytes(FIRST.replace("Hello !", "Ann's !").encode())
    refused = push(connection, may, who="Ann")
    assert isinstance(refused, Collision)
    assert "Sam's" in find(connection, "may").contents.texts[""]
    assert stored(push(connection, may, who="Ann", base=2)).version == 3


def test_a_file_that_was_never_pulled_overwrites_nothing(connection: Connection, may: Path) -> None:
    stored(push(connection, may, who="Ann"))
    with pytest.raises(StateError, match="not pulled"):
        push(connection, may, who="Ann")
    (may.parent / ".may.pulled").write_text("[broken")
    with pytest.raises(StateError, match="not pulled"):
        push(connection, may, who="Ann")


def test_a_pull_overwrites_no_changes_that_were_not_pushed(connection: Connection, may: Path, tmp_path: Path) -> None:
    stored(push(connection, may, who="Ann"))
    folder = tmp_path / "again"
    pull(connection, "may", folder)
    pull(connection, "may", folder)
    (folder / "may.cy.md").write_text("mine")
    before = tree(folder)
    with pytest.raises(StateError, match=r"may\.cy\.md has changes"):
        pull(connection, "may", folder)
    assert tree(folder) == before


def test_a_translation_and_a_brand_that_are_gone_from_the_folder_go(connection: Connection, may: Path) -> None:
    stored(push(connection, may, who="Ann"))
    note_version(may.parent, find(connection, "may"))
    (may.parent / "may.cy.md").unlink()
    (may.parent / "brand.yml").unlink()
    now = stored(push(connection, may, who="Ann"))
    assert (set(now.contents.texts), now.contents.brands) == ({""}, {})


def test_a_toolkit_in_a_folder_can_not_be_pushed(connection: Connection, may: Path) -> None:
    may.write_bytes(FIRST.replace("toolkit: spring-fair", "toolkit: ../kit").encode())
    with pytest.raises(InputError, match="no toolkit"):
        push(connection, may, who="Ann")


@pytest.mark.parametrize("where", ["../kit", "kit", "/etc"])
def test_a_stored_newsletter_reads_no_folder_of_the_server(connection: Connection, where: str) -> None:
    create(connection, "Odd", Contents({"": FIRST.replace("spring-fair", where)}), who="Ann")
    with pytest.raises(InputError, match="no toolkit"):
        compiled(connection, find_manuscript(connection, "odd"))


@pytest.mark.parametrize("picture", ["/etc/passwd", "../kit/images/tent.png", "nowhere.png", "brand.yml"])
def test_a_stored_newsletter_shows_only_its_own_pictures(connection: Connection, picture: str) -> None:
    text = f"---\nsubject: x\ntoolkit: spring-fair\n---\n::: image {picture}\n"
    create(
        connection,
        "Odd",
        Contents({"": text}, brands={"brand.yml": BRAND.replace("logo: logos/bee.png\n", "")}),
        who="Ann",
    )
    with pytest.raises(InputError, match=r"odd\.md:5"):
        compiled(connection, find_manuscript(connection, "odd"))


def test_a_brand_outside_of_the_folder_is_not_pushed(connection: Connection, may: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.yml").write_text(BRAND)
    may.write_bytes(FIRST.replace("subject", "brand: ../secret.yml\r\nsubject").encode())
    with pytest.raises(InputError, match="outside"):
        read_folder(may)


def test_checks_name_the_file_that_a_stored_text_would_have(connection: Connection, may: Path) -> None:
    create(connection, "Odd", Contents({"": FIRST, "cy": WELSH + "\n::: nothing\n"}), who="Ann")
    report = check_file(find_manuscript(connection, "odd"), partial(find_toolkit, connection=connection))
    places = {finding.place for finding in report.findings if finding.code == "compile-error"}
    assert {"odd.md:5", "odd.cy.md:4", "odd.cy.md:7"} <= places


def test_a_file_comes_before_a_stored_newsletter_of_its_name(connection: Connection, may: Path) -> None:
    create(connection, "Notes", Contents({"": FIRST}), who="Ann")
    assert find_manuscript(connection, may).file == "may.md"
    assert find_manuscript(connection, "newsletter:notes").origin == "newsletter:notes"
    with pytest.raises(InputError, match="newsletter list"):
        find_manuscript(connection, "nothing")
