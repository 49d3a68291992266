"""Newsletters in the database: versions, two people at once, undo, pictures; nothing that was written is lost."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread

import pytest
from sqlalchemy import Connection, func, select, text, update

from daisychain.database import Database
from daisychain.errors import InputError, StateError
from newsletters.pieces.outline import same_line_ends
from newsletters.stored.contents import MAX_PICTURES, Change, Contents
from newsletters.stored.newsletters import (
    SavedNewsletter,
    UnknownNewsletter,
    create,
    delete_newsletter,
    find,
    list_newsletters,
    load,
    rename,
    undelete,
)
from newsletters.stored.saving import Collision, save
from newsletters.stored.uploads import add_picture, remove_picture
from newsletters.stored.versions import contents_of, mark, mark_sent, restore, thin_versions, undo, versions
from newsletters.tables import NewsletterSave, StoredNewsletter
from tests.newsletters.sample_toolkits import picture

TEXT = "---\nsubject: Hello\ntoolkit: spring-fair\n---\nOne\n\n::: divider\n\nTwo\n"


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    """A connection whose work is committed by hand."""
    with database.engine.connect() as connection:
        yield connection


@pytest.fixture
def may(connection: Connection) -> SavedNewsletter:
    """A newsletter that Ann has made."""
    return create(connection, "May bulletin", Contents({"": TEXT}), who="Ann")


def saved(result: SavedNewsletter | Collision) -> SavedNewsletter:
    assert isinstance(result, SavedNewsletter)
    return result


def write(
    connection: Connection, base: SavedNewsletter, words: str, *, who: str = "Ann", language: str = "", **rest: str
) -> SavedNewsletter | Collision:
    """Save the text with other words."""
    change = Change({language: TEXT.replace("One", words)})
    return save(connection, base.id, base.version, change, who=who, note=rest.get("note", ""))


def hours_ago(connection: Connection, hours: float, *ids: int) -> None:
    """Let saves be as old as this."""
    then = func.now() - func.make_interval(0, 0, 0, 0, 0, 0, hours * 3600)
    table = NewsletterSave
    connection.execute(update(table).where(table.id.in_(ids)).values(at=then, since=then))


def test_a_newsletter_is_found_by_its_name_made_from_its_title(connection: Connection, may: SavedNewsletter) -> None:
    again = create(connection, "May bulletin", Contents({"": TEXT}), who="Sam")
    assert (may.name, again.name) == ("may-bulletin", "may-bulletin-2")
    assert find(connection, "may-bulletin").contents.texts == {"": TEXT}
    assert load(connection, may.id).version == 1
    with pytest.raises(UnknownNewsletter, match="Did you mean 'may-bulletin'"):
        find(connection, "may-buletin")
    with pytest.raises(InputError, match="already"):
        create(connection, "Other", Contents({"": TEXT}), who="Sam", name="may-bulletin")


def test_the_list_shows_languages_and_state_and_is_searched_by_title(
    connection: Connection, may: SavedNewsletter
) -> None:
    create(connection, "100% June", Contents({"": TEXT}), who="Sam")
    connection.commit()
    now = saved(write(connection, may, "Un", language="cy"))
    assert [(each.name, each.languages, each.state, each.version) for each in list_newsletters(connection)] == [
        ("may-bulletin", ["cy"], "draft", 2), ("100-june", [], "draft", 1),
    ]  # fmt: skip
    mark(connection, now, "tested")
    assert list_newsletters(connection, "MAY")[0].state == "tested"
    assert [each.title for each in list_newsletters(connection, "0%")] == ["100% June"]
    rename(connection, may.id, "  June\nbulletin ")
    assert find(connection, "may-bulletin").title == "June bulletin"


def test_the_second_of_two_saves_is_refused_and_nothing_is_lost(connection: Connection, may: SavedNewsletter) -> None:
    theirs = saved(write(connection, may, "Sam's", who="Sam"))
    mine = write(connection, may, "Ann's")
    assert isinstance(mine, Collision)
    assert mine.theirs.contents == theirs.contents
    assert [(pair.same, pair.mine and pair.mine.kind, pair.theirs and pair.theirs.kind) for pair in mine.pairs[""]] == [
        (True, "head", "head"), (False, "words", "words"), (True, "block", "block"), (True, "words", "words"),
    ]  # fmt: skip
    assert load(connection, may.id).contents == theirs.contents
    kept = contents_of(connection, may.id, mine.kept_as)
    assert "Ann's" in kept.texts[""]
    assert [(each.kind, each.by) for each in versions(connection, may.id) if each.id == mine.kept_as] == [
        ("collided", "Ann")
    ]
    # Having seen both, Ann saves again.
    assert isinstance(write(connection, theirs, "Both"), SavedNewsletter)


def test_a_collision_shows_what_only_one_of_them_has(connection: Connection, may: SavedNewsletter) -> None:
    save(connection, may.id, 1, Change({"": TEXT.replace("::: divider\n\n", "")}), who="Sam")
    mine = save(connection, may.id, 1, Change({"": TEXT + "\n::: copy opening\n"}), who="Ann")
    assert isinstance(mine, Collision)
    mixed = [(pair.mine and pair.mine.kind, pair.theirs and pair.theirs.kind) for pair in mine.pairs[""]]
    assert ("block", None) in mixed
    assert ("copy", None) in mixed
    assert "".join(pair.mine.source for pair in mine.pairs[""] if pair.mine) == TEXT + "\n::: copy opening\n"
    assert "".join(pair.theirs.source for pair in mine.pairs[""] if pair.theirs) == TEXT.replace("::: divider\n\n", "")


def test_two_people_in_two_languages_or_with_pictures_do_not_collide(
    connection: Connection, may: SavedNewsletter
) -> None:
    write(connection, may, "Un", who="Sam", language="cy")
    add_picture(connection, may.id, "hero.png", picture(), who="Sam")
    now = saved(write(connection, may, "One more"))
    assert now.contents.texts == {"": TEXT.replace("One", "One more"), "cy": TEXT.replace("One", "Un")}
    assert [*now.contents.images] == ["hero.png"]


def test_the_same_words_saved_twice_are_one_version(connection: Connection, may: SavedNewsletter) -> None:
    first = saved(write(connection, may, "New", who="Sam"))
    assert saved(write(connection, may, "New", who="Ann")).version == first.version
    with pytest.raises(StateError, match="no version 9"):
        save(connection, may.id, 9, Change({"": TEXT}), who="Ann")


def test_saves_at_the_same_moment_leave_one_winner_and_keep_the_others(database: Database) -> None:
    with database.engine.begin() as connection:
        may = create(connection, "May", Contents({"": TEXT}), who="Ann")
    results: list[SavedNewsletter | Collision] = []

    def run(words: str) -> None:
        with database.engine.begin() as connection:
            results.append(write(connection, may, words, who=words))

    threads = [Thread(target=run, args=(f"words {number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    won = [each for each in results if isinstance(each, SavedNewsletter)]
    with database.engine.connect() as connection:
        kept = [contents_of(connection, may.id, each.id).texts[""] for each in versions(connection, may.id)]
        assert (len(results), len(won), load(connection, may.id).contents) == (6, 1, won[0].contents)
    assert all(any(f"words {number}" in text for text in kept) for number in range(6))


def test_autosaves_of_one_person_within_ten_minutes_are_one_row(connection: Connection, may: SavedNewsletter) -> None:
    now = may
    for words in ("a", "ab", "abc"):
        now = saved(write(connection, now, words))
    assert [(each.version, each.kind) for each in versions(connection, may.id)] == [(4, "auto"), (1, "kept")]
    hours_ago(connection, 0.2, versions(connection, may.id)[0].id)
    now = saved(write(connection, now, "later"))
    now = saved(write(connection, now, "Sam", who="Sam"))
    now = saved(write(connection, now, "Ann again"))
    assert [(each.version, each.by) for each in versions(connection, may.id)][:3] == [
        (7, "Ann"),
        (6, "Sam"),
        (5, "Ann"),
    ]


def test_steps_are_undone_one_by_one_and_typing_as_a_whole(connection: Connection, may: SavedNewsletter) -> None:
    now = saved(write(connection, may, "typed"))
    now = saved(write(connection, now, "typed more"))
    now = saved(write(connection, now, "moved", note="Moved Button"))
    now = saved(write(connection, now, "typed after"))
    seen = []
    for _ in range(3):
        now = undo(connection, may.id, now.version, who="Sam")
        seen.append((now.contents.texts[""].split("\n")[4], versions(connection, may.id)[0].note[:20]))
    assert [words for words, _ in seen] == ["moved", "typed more", "One"]
    assert seen[1][1] == "Undone: Moved Button"
    with pytest.raises(StateError, match="nothing to undo"):
        undo(connection, may.id, now.version, who="Sam")
    # A new edit after that is undone first.
    now = saved(write(connection, now, "again"))
    assert undo(connection, may.id, now.version, who="Ann").contents.texts[""] == TEXT
    with pytest.raises(StateError, match="meanwhile"):
        undo(connection, may.id, 1, who="Ann")


def test_an_old_version_is_restored_as_a_new_one(connection: Connection, may: SavedNewsletter) -> None:
    now = saved(write(connection, may, "New", who="Sam"))
    first = versions(connection, may.id)[-1]
    back = restore(connection, may.id, first.id, now.version, who="Ann")
    assert (back.version, back.contents.texts[""]) == (3, TEXT)
    assert undo(connection, may.id, 3, who="Ann").contents == now.contents
    other = create(connection, "June", Contents({"": TEXT}), who="Ann")
    with pytest.raises(StateError, match="no save"):
        restore(connection, other.id, first.id, 1, who="Ann")


def test_a_refused_text_can_be_restored(connection: Connection, may: SavedNewsletter) -> None:
    write(connection, may, "Sam's", who="Sam")
    mine = write(connection, may, "Ann's")
    assert isinstance(mine, Collision)
    assert "Ann's" in restore(connection, may.id, mine.kept_as, 2, who="Ann").contents.texts[""]


def test_old_autosaves_are_thinned_to_one_an_hour_and_marked_versions_stay(
    connection: Connection, may: SavedNewsletter
) -> None:
    now = may
    for number in range(8):
        now = saved(write(connection, now, f"number {number}", who=f"person {number % 2}"))
        if number == 2:
            mark(connection, now, "tested")
        if number == 4:
            mark(connection, now, "kept", "Campaign 31")
    mark_sent(connection, 3)
    assert "sent" not in {each.kind for each in versions(connection, may.id)}
    mark_sent(connection, 31)
    ids = [each.id for each in versions(connection, may.id)]
    connection.execute(text("UPDATE newsletter_saves SET at = date_trunc('hour', now()) - interval '40 days'"))
    hours_ago(connection, 29 * 24, ids[0])
    assert thin_versions(connection) == 4
    # The first was kept; of the autosaves the last of their hour stays, and the one of 29 days ago.
    assert [(each.version, each.kind) for each in versions(connection, may.id)] == [
        (9, "auto"), (8, "auto"), (6, "sent"), (4, "tested"), (1, "kept"),
    ]  # fmt: skip
    assert load(connection, may.id).contents == now.contents


def test_the_current_version_is_never_thinned(connection: Connection, may: SavedNewsletter) -> None:
    now = saved(write(connection, may, "old"))
    connection.execute(text("UPDATE newsletter_saves SET at = now() - interval '400 days'"))
    thin_versions(connection)
    assert load(connection, may.id).contents == now.contents


def test_a_version_that_autosaves_replaced_is_kept_when_it_is_marked(
    connection: Connection, may: SavedNewsletter
) -> None:
    tested = saved(write(connection, may, "tested"))
    now = saved(write(connection, tested, "typed on"))
    mark(connection, tested, "tested")
    marked = {(each.version, each.kind) for each in versions(connection, may.id)}
    assert marked == {(3, "auto"), (2, "tested"), (1, "kept")}
    assert load(connection, may.id).contents == now.contents


def test_a_deleted_newsletter_comes_back_for_thirty_days(connection: Connection, may: SavedNewsletter) -> None:
    delete_newsletter(connection, may.id, who="Sam")
    with pytest.raises(UnknownNewsletter):
        load(connection, may.id)
    assert list_newsletters(connection) == []
    create(connection, "May bulletin", Contents({"": TEXT}), who="Ann")
    assert undelete(connection, may.id, who="Ann").name == "may-bulletin-2"
    delete_newsletter(connection, may.id, who="Sam")
    table = StoredNewsletter
    old = func.now() - func.make_interval(0, 0, 0, 31)
    connection.execute(update(table).where(table.id == may.id).values(deleted_at=old))
    thin_versions(connection)
    with pytest.raises(UnknownNewsletter):
        undelete(connection, may.id, who="Ann")
    assert connection.scalar(select(func.count()).select_from(NewsletterSave)) == 1


def test_an_uploaded_picture_is_checked_named_and_undone(connection: Connection, may: SavedNewsletter) -> None:
    now, image = add_picture(connection, may.id, "C:\\Us\\Sommer Fest.JPEG", picture(), who="Ann")
    assert (image.name, image.media_type) == ("sommer-fest.png", "image/png")
    same, again = add_picture(connection, may.id, "other.png", picture(), who="Ann")
    assert (same.version, again.name) == (now.version, "sommer-fest.png")
    now, other = add_picture(connection, may.id, "sommer fest.png", picture(9), who="Ann")
    assert other.name == "sommer-fest-2.png"
    now = remove_picture(connection, may.id, "sommer-fest.png", who="Ann")
    assert [*now.contents.images] == ["sommer-fest-2.png"]
    assert len(undo(connection, may.id, now.version, who="Ann").contents.images) == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"), (b"%PDF-1.7", "not a whole PNG"), (picture()[:50], "not a whole PNG"),
        (b"x" * (5 * 1024 * 1024 + 1), "too large"), (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
    ],
)  # fmt: skip
def test_a_bad_upload_is_refused_before_it_is_stored(
    connection: Connection, may: SavedNewsletter, content: bytes, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        add_picture(connection, may.id, "x.png", content, who="Ann")
    assert load(connection, may.id) == may
    assert connection.scalar(text("SELECT count(*) FROM images")) == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (Change({"": "a\0b"}), "can't be stored"), (Change({"": "\ud800"}), "can't be stored"),
        (Change({"": "x" * 1_100_000}), "too large"), (Change({"english": "x"}), "no language"),
        (Change({"": None}), "can't be removed"), (Change(brands={"../brand.yml": "x"}), "own folder"),
        (Change(images={"/etc/x.png": "x"}), "own folder"),
        (Change(images={f"{at}.png": "x" for at in range(MAX_PICTURES + 1)}), "at most"),
    ],
)  # fmt: skip
def test_what_can_not_be_stored_is_refused(
    connection: Connection, may: SavedNewsletter, change: Change, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        save(connection, may.id, 1, change, who="Ann")
    assert load(connection, may.id) == may


def test_any_other_text_is_stored_as_it_is_even_if_it_does_not_compile(
    connection: Connection, may: SavedNewsletter
) -> None:
    odd = "\ufeff---\r\nnot closed\r\n::: note \u2028 \x01 😀 {{ {% \r tail"
    assert saved(save(connection, may.id, 1, Change({"": odd}), who="Ann")).contents.texts[""] == odd
    assert load(connection, may.id).contents.texts[""] == odd


def test_a_text_from_a_browser_keeps_the_line_ends_that_the_stored_one_has() -> None:
    assert same_line_ends("a\r\nb\r\n", "x\ny\n") == "a\nb\n"
    assert same_line_ends("a\r\nb\n", "x\r\ny") == "a\r\nb\r\n"
