"""Figures in notebooks: typed frames with definitions, and the notebook of the docs, which runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import text

from daisychain.database import Database
from daisychain.errors import InputError
from reports import Reports
from reports.compare import compare
from reports.whole_report import figures
from tests.reports.test_notes import LINK, tell
from tests.sender.returns import FIREFOX, Sent, resent, sent

NOTEBOOK = Path(__file__).parents[2] / "docs/reports.ipynb"


@pytest.fixture
def pair(database: Database) -> tuple[Sent, Sent]:
    """Two campaigns of four days ago to the same people; some clicked."""
    first = sent(database, people=10)
    with database.engine.begin() as connection:
        second = resent(database, connection, first.list_id, first.members)
        ago = "now() - interval '4 days'"
        connection.execute(text(f"UPDATE campaigns SET state = 'finished', frozen_at = {ago}"))  # noqa: S608
        connection.execute(text(f"UPDATE attempts SET ended_at = {ago}"))  # noqa: S608
    for campaign, clickers in ((first, 6), (second, 2)):
        clicks = [campaign.event("click", person, useragent=FIREFOX, **LINK) for person in range(clickers)]
        tell(campaign, *(campaign.event("delivered", person) for person in range(10)), *clicks)
    with database.engine.begin() as connection:
        early = "now() - interval '3 days 20 hours'"
        connection.execute(text(f"UPDATE delivery_rollups SET first_click_at = {early}, delivered_at = {early}"))  # noqa: S608
    return first, second


@pytest.fixture
def reports(database: Database) -> Iterator[Reports]:
    with Reports(database.url.render_as_string(hide_password=False)) as reports:
        yield reports


def test_every_number_of_a_frame_is_the_report_s(pair: tuple[Sent, Sent], reports: Reports, database: Database) -> None:
    frame = reports.figures([each.campaign_id for each in pair]).set_index(["campaign_id", "figure"])
    for each in pair:
        with database.engine.connect() as connection:
            report = figures(connection, each.campaign_id)
        for name, figure in report.figures.items():
            row = frame.loc[(each.campaign_id, name)]
            assert (None if pd.isna(row["numerator"]) else row["numerator"]) == figure.numerator
            assert frame.attrs["definition"][name] == figure.definition
    assert str(frame["numerator"].dtype) == "Int64"
    assert str(frame["rate"].dtype) == "Float64"


def test_a_comparison_has_the_differences_of_the_command(
    pair: tuple[Sent, Sent], reports: Reports, database: Database
) -> None:
    ids = [each.campaign_id for each in pair]
    frame = reports.compare(ids, age="3d")
    with database.engine.connect() as connection:
        found = compare(connection, ids, timedelta(hours=72))
    shown = frame.dropna(subset=["difference"])
    assert list(shown["in_words"]) == [each.words for each in found.differences]
    assert list(shown["difference_low"]) == pytest.approx([each.interval[0] for each in found.differences])
    assert frame.attrs["notes"] == list(found.notes)


def test_campaigns_and_ids_of_frames_can_be_handed_on(pair: tuple[Sent, Sent], reports: Reports) -> None:
    campaigns = reports.campaigns()
    assert set(campaigns["campaign_id"]) == {each.campaign_id for each in pair}
    assert not reports.figures(campaigns["campaign_id"].unique()).empty
    assert not reports.figures(pair[0].campaign_id).empty


@pytest.mark.parametrize("age", ["soon", "72", "-3h", "3 weeks", ""])
def test_what_is_no_age_is_refused_with_an_example(pair: tuple[Sent, Sent], reports: Reports, age: str) -> None:
    with pytest.raises(InputError, match="is no age") as refused:
        reports.compare([1, 2], age=age)
    assert '"72h"' in refused.value.hint


def test_the_notebook_of_the_docs_runs(
    pair: tuple[Sent, Sent], database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DAISYCHAIN_DATABASE_URL", database.url.render_as_string(hide_password=False))
    monkeypatch.chdir(tmp_path)
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    names: dict[str, Any] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), cell["id"], "exec"), names)  # noqa: S102
            assert not cell["outputs"], "kept without outputs, which would hold somebody's figures"
    assert len(names["compared"]) == 12
    assert not names["trend"].empty
