"""`daisychain segment …`: questions about the people of a list, asked at once or kept under a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from commands.console import answers, emit, say, show_table
from daisychain.installation import Installation
from daisychain.system_user import acting_user

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from lists.segments.saved_segments import SavedSegment
    from lists.segments.segment_answers import SegmentAnswer


list_argument = click.argument("list_name", metavar="LIST")


@click.group()
def segment() -> None:
    """Ask who on a list lives in Wales, joined this month or opened the last mails, and keep such questions."""


@segment.command()
@list_argument
@click.argument("name")
@click.argument("question")
@answers("segment create supporters new-in-wales 'region is \"Wales\" and joined in last 30 days'")
def create(installation: Installation, list_name: str, name: str, question: str, format_: str) -> None:
    """Keep a QUESTION about the people of LIST as the segment NAME."""
    from lists.segments.saved_segments import create_segment

    with installation.database.engine.begin() as connection:
        answer = _answer(connection, list_name, question)
        kept = create_segment(connection, list_name, name, question, by=acting_user())
    _emit_segment(kept, list_name, answer, format_)


@segment.command("list")
@list_argument
@answers("segment list supporters")
def list_(installation: Installation, list_name: str, format_: str) -> None:
    """Show the segments of LIST."""
    from lists.segments.saved_segments import segments_of

    with installation.database.engine.connect() as connection:
        kept = segments_of(connection, list_name)
    rows = [[each.name, each.text, each.created_by, each.changed_at] for each in kept]
    emit([vars(each) for each in kept], format_, lambda: show_table(["name", "question", "by", "changed"], rows))


@segment.command()
@list_argument
@click.argument("name")
@answers("segment show supporters new-in-wales")
def show(installation: Installation, list_name: str, name: str, format_: str) -> None:
    """Show the segment NAME of LIST, and how many people it has now."""
    from lists.segments.saved_segments import find_segment

    with installation.database.engine.connect() as connection:
        kept = find_segment(connection, list_name, name)
        answer = _answer(connection, list_name, kept.text)
    _emit_segment(kept, list_name, answer, format_)


@segment.command()
@list_argument
@click.argument("question")
@answers("segment count supporters new-in-wales", "segment count supporters 'opened any of last 3 campaigns'")
def count(installation: Installation, list_name: str, question: str, format_: str) -> None:
    """Count the people of LIST who may be mailed and fulfil QUESTION, or a segment of that name."""
    from lists.segments.saved_segments import question_named

    with installation.database.engine.connect() as connection:
        text = question_named(connection, list_name, question)
        answer = _answer(connection, list_name, text)
    emit({"list": list_name, "question": text, **vars(answer)}, format_, f"{answer.text}: {text}")


@segment.command()
@list_argument
@click.argument("question")
@answers("segment sample supporters 'city contains \"bath\"'")
def sample(installation: Installation, list_name: str, question: str, format_: str) -> None:
    """Show ten of the people of LIST who fulfil QUESTION, or a segment of that name."""
    from lists.lists import find_list
    from lists.segments.saved_segments import question_named
    from lists.segments.segment_answers import sample_segment
    from sender.segments.engagement import engagement

    with installation.database.engine.connect() as connection:
        text, list_id = question_named(connection, list_name, question), find_list(connection, list_name)["id"]
        people = sample_segment(connection, list_id, text, engagement(connection))
    columns = ["email", "first_name", "last_name", "language"]
    emit(people, format_, lambda: show_table(columns, [[each[name] for name in columns] for each in people]))
    if not people:
        say(f"Nobody fulfils this now: {text}")


@segment.command()
@list_argument
@click.argument("name")
@click.argument("question")
@answers("segment change supporters new-in-wales 'region is \"Wales\" and joined in last 60 days'")
def change(installation: Installation, list_name: str, name: str, question: str, format_: str) -> None:
    """Replace the question of the segment NAME of LIST; campaigns that exist keep the one they have."""
    from lists.segments.saved_segments import change_segment

    with installation.database.engine.begin() as connection:
        answer = _answer(connection, list_name, question)
        kept = change_segment(connection, list_name, name, question)
    _emit_segment(kept, list_name, answer, format_)


@segment.command()
@list_argument
@click.argument("name")
@answers("segment delete supporters new-in-wales")
def delete(installation: Installation, list_name: str, name: str, format_: str) -> None:
    """Delete the segment NAME of LIST; campaigns that were made with it keep its question."""
    from lists.segments.saved_segments import delete_segment

    with installation.database.engine.begin() as connection:
        delete_segment(connection, list_name, name)
    emit({"list": list_name, "name": name, "deleted": True}, format_, f"Segment {name} of {list_name} is deleted.")


def _emit_segment(kept: SavedSegment, list_name: str, answer: SegmentAnswer, format_: str) -> None:
    line = f"Segment {kept.name} of {list_name}: {kept.text}. {answer.text}."
    emit({**vars(kept), "list": list_name, **vars(answer)}, format_, line)


def _answer(connection: Connection, list_name: str, question: str) -> SegmentAnswer:
    from lists.lists import find_list
    from lists.segments.segment_answers import count_segment
    from sender.segments.engagement import engagement

    return count_segment(connection, find_list(connection, list_name)["id"], question, engagement(connection))
