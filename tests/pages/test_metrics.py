"""Figures for a machine that watches: right, in Prometheus's format, and for nobody else."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from sqlalchemy import update

from daisychain.database import Database
from pages import metrics
from pages.app import create_app
from sender.events.sum_check import count_again
from sender.tables import Batch, Campaign, Delivery
from tests.sender.returns import sent

TOKEN = "a token for tests"


def figures(page: str) -> dict[str, float]:
    """The lines that hold a figure."""
    return {name: float(value) for name, value in re.findall(r"^(daisychain_\S+) (\S+)$", page, re.MULTILINE)}


def test_it_tells_campaigns_people_and_what_waits(database: Database) -> None:
    campaign = sent(database, people=3)
    with database.engine.begin() as connection:
        connection.execute(update(Campaign).values(state="paused"))
        connection.execute(update(Batch).values(state="uncertain"))
        connection.execute(update(Delivery).where(Delivery.id == campaign.deliveries[0]).values(state="uncertain"))
        assert count_again(connection, campaign.campaign_id)
    answer = create_app(database).test_client().get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert figures(answer.text) == {
        'daisychain_campaigns{state="paused"}': 1,
        f'daisychain_people{{campaign="{campaign.campaign_id}",state="accepted"}}': 2,
        f'daisychain_people{{campaign="{campaign.campaign_id}",state="uncertain"}}': 1,
        "daisychain_uncertain_people": 1,
        "daisychain_webhook_bodies_waiting": 0,
        "daisychain_jobs_waiting": 0,
        "daisychain_senders": 0,
        "daisychain_alerts": 0,
    }
    assert "@" not in answer.text


def test_the_tables_are_not_asked_more_often_than_every_few_seconds(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = create_app(database).test_client()
    assert "campaigns{" not in client.get("/metrics").text
    sent(database)
    assert "campaigns{" not in client.get("/metrics").text
    monkeypatch.setattr(metrics, "FRESH", 0.0)
    assert "campaigns{" in client.get("/metrics").text


@pytest.mark.parametrize(
    ("peer", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("127.0.0.1", {"Host": "127.0.0.1:8000"}, 200),
        ("::1", {"Host": "[::1]:8000"}, 200),
        ("127.0.0.1", {"Host": "news.your-charity.org"}, 404),
        ("127.0.0.1", {"Host": "127.0.0.1.evil.example"}, 404),
        ("127.0.0.1", {"Host": "["}, 404),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 404),
        ("127.0.0.1", {"X-Real-IP": "192.0.2.1"}, 404),
        ("192.0.2.1", {}, 404),
        ("192.0.2.1", {"Host": "localhost"}, 404),
        ("192.0.2.1", {"Authorization": "Bearer another"}, 404),
        ("192.0.2.1", {"Authorization": "Bearer "}, 404),
        ("192.0.2.1", {"Authorization": f"Bearer {TOKEN}"}, 200),
    ],
)
@pytest.mark.parametrize("public_url", ["https://news.your-charity.org", "http://127.0.0.1:8000"])
def test_they_are_for_who_carries_the_token_and_without_public_pages_for_this_machine(
    database: Database, peer: str, headers: dict[str, str], status: int, public_url: str
) -> None:
    database.settings = replace(database.settings, metrics_token=TOKEN, public_url=public_url)
    if public_url.startswith("https") and TOKEN not in str(headers):
        status = 404
    client = create_app(database).test_client()
    assert client.get("/metrics", headers=headers, environ_base={"REMOTE_ADDR": peer}).status_code == status


def test_without_a_token_set_none_opens_it(database: Database) -> None:
    client = create_app(database).test_client()
    there = {"REMOTE_ADDR": "192.0.2.1"}
    for given in ("Bearer", "Bearer ", "Bearer None"):
        assert client.get("/metrics", headers={"Authorization": given}, environ_base=there).status_code == 404


def test_without_a_token_nobody_reads_them_once_the_pages_are_public(database: Database) -> None:
    database.settings = replace(database.settings, public_url="https://news.your-charity.org")
    headers: dict[str, str]
    for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": "Bearer"}):
        assert create_app(database).test_client().get("/metrics", headers=headers).status_code == 404
