"""Following a campaign at the desk: its progress, its people, and what somebody may do about it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser
from sqlalchemy import Connection, func, insert, select, text, update

from daisychain.database import Database, database_now
from lists.members import unsubscribe
from lists.suppression import suppress
from lists.tables import Member
from sender.campaigns import steering
from sender.campaigns.campaign_history import minutes_left
from sender.campaigns.campaign_record import find_campaign
from sender.campaigns.plans import Plan
from sender.campaigns.status import campaign_status
from sender.delivery import batch_jobs
from sender.delivery.confirmed_places import confirm
from sender.delivery.ledger import read_ledger
from sender.tables import Attempt, Campaign, Decision, Delivery, Event, LedgerMove
from sender.upkeep import foreground
from tests.command import Daisychain
from tests.desk.staff import Browser
from tests.desk.test_access import lines
from tests.reports.test_figures import tell
from tests.sender.delivery.test_campaign_emails import frozen as freeze_languages
from tests.sender.delivery.test_campaign_emails import in_languages
from tests.sender.delivery.test_ledger import frozen
from tests.sender.returns import sent
from tests.sender.staging import add_people, set_plan, staged
from tests.waiting import until


@pytest.fixture
def sender(as_role: Callable[[str], Browser]) -> Browser:
    return as_role("sender")


def words(page: str) -> str:
    """The text of a page, in one line."""
    main = HTMLParser(page).css_first("main")
    assert main is not None
    return re.sub(r"\s+", " ", main.text(separator=" "))


def state_of(database: Database, campaign_id: int) -> str:
    with database.engine.connect() as connection:
        return find_campaign(connection, campaign_id).state


def in_order(page: str, parts: Iterable[str]) -> bool:
    return re.search(".*".join(map(re.escape, parts)), words(page)) is not None


def test_the_list_of_campaigns_shows_what_comes_here_as_long_as_there_is_none(sender: Browser) -> None:
    assert "No campaign yet" in sender.get("/desk/campaigns").text


def test_the_list_is_paged_by_number_and_holds_no_test_sends(database: Database, sender: Browser) -> None:
    first = staged(database, 1)
    with database.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO campaigns SELECT (json_populate_record(c, json_build_object("
                 "'id', c.id + n, 'name', 'Campaign ' || n, 'kind', CASE n WHEN 60 THEN 'test' ELSE 'campaign' END"
                 "))).* FROM campaigns c, generate_series(1, 60) n")
        )  # fmt: skip
    page = sender.get("/desk/campaigns").text
    assert len(page.encode()) < 50_000
    assert "Campaign 60<" not in page
    assert page.count("<b>Campaign ") == 50
    older = HTMLParser(page).css_first('main a[href*="before="]')
    assert older is not None
    page = sender.get(str(older.attributes["href"])).text
    assert f'href="/desk/campaigns/{first}"' in page
    assert "before=" not in page
    assert "no older campaigns" in sender.get("/desk/campaigns?before=1").text


def test_progress_adds_up_and_says_so(sender: Browser, under_way: int) -> None:
    page = sender.get(f"/desk/campaigns/{under_way}").text
    tiles = ("Accepted 1", "Waiting 2", "Failed 1", "Uncertain 2", "Excluded 0", "Everybody, balances 6")
    assert in_order(page, tiles)
    assert '<progress max="6" value="4"' in page
    assert "4 of 6" in words(page)
    assert "Look again" in page
    assert "mailbox full" in page
    assert len(page.encode()) < 50_000


def test_no_time_is_named_while_the_first_few_are_watched(database: Database, under_way: int) -> None:
    with database.engine.connect() as connection:
        found = campaign_status(connection, under_way)
        assert minutes_left(connection, found) == 1
        assert minutes_left(connection, replace(found, plan=replace(found.plan, canary_out=True))) is None


def test_the_first_few_are_as_many_as_there_are_and_the_rest_is_said_to_wait(
    database: Database, sender: Browser, daisychain: Daisychain
) -> None:
    wanted = ["en"] * 14 + ["cy"] * 4 + ["ar"] * 2
    campaign, _ = in_languages(database, wanted, canary=9, canary_wait=3600)
    freeze_languages(database, campaign)
    shown = sender.get(f"/desk/campaigns/{campaign}").text
    assert "10 people go first; the rest waits for them." in words(shown)
    with database.engine.begin() as connection:
        connection.execute(update(Campaign).values(canary_until=func.now() + timedelta(hours=1)))
    shown = sender.get(f"/desk/campaigns/{campaign}").text
    assert "It waits: the first 10 are watched until" in words(shown)
    assert "the rest waits until" in words(shown)
    assert "It is sending now." not in shown
    assert "It waits: the first 10 are watched until" in daisychain("campaign", "status", str(campaign)).stdout


def test_progress_that_does_not_add_up_is_said_in_words(database: Database, sender: Browser, under_way: int) -> None:
    with database.engine.begin() as connection:
        lost = {"campaign_id": under_way, "compiled_id": None, "state": "waiting", "people": -1}
        connection.execute(insert(LedgerMove).values(lost))
    page = words(sender.get(f"/desk/campaigns/{under_way}").text)
    assert "These numbers do not add up. 6 people were written down" in page
    assert "make 5" in page
    assert "balances" not in page


def test_what_came_back_adds_up_to_the_people_accepted(database: Database, sender: Browser) -> None:
    campaign = sent(database, people=3)
    page = sender.get(f"/desk/campaigns/{campaign.campaign_id}").text
    assert in_order(page, ("What came back", "Accepted 3", "Delivered", "Bounced (hard)", "Dropped", "No word yet"))


def test_what_happened_names_who_decided_what(database: Database, sender: Browser, under_way: int) -> None:
    with database.engine.begin() as connection:
        steering.pause(connection, under_way, who="Priya", because="a wrong date")
    page = sender.get(f"/desk/campaigns/{under_way}").text
    happened = (
        "It was made", "6 people were written down", "The first mail left", "about 2 people was lost: no answer",
        "Priya paused it: a wrong date",
    )  # fmt: skip
    assert in_order(page, happened)
    assert "Nobody is mailed until somebody resumes it" in words(page)


@pytest.mark.parametrize("role", ["editor", "sender", "admin"])
def test_everybody_who_sees_a_campaign_may_pause_it(
    database: Database, as_role: Callable[[str], Browser], under_way: int, role: str
) -> None:
    browser = as_role(role)
    assert ">Pause</button>" in browser.get(f"/desk/campaigns/{under_way}").text
    assert "Paused: nobody else is mailed" in browser.post(f"/desk/campaigns/{under_way}/pause").text
    assert state_of(database, under_way) == "paused"
    assert lines(database)[-1] == (f"{role.title()} Example", "campaigns.pause", "done")
    with database.engine.connect() as connection:
        assert connection.scalars(select(Decision.who)).all() == [f"{role.title()} Example"]


def test_a_pause_at_the_desk_stops_a_running_send_at_its_next_request(database: Database, sender: Browser) -> None:
    campaign_id = frozen(database, 600, batch_size=2)
    with database.engine.begin() as connection:
        confirm(connection, database.settings, who="the test")
        batch_jobs.wake(connection, campaign_id)
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(foreground.work_until_over, database, campaign_id, concurrency=2, processes=1)
        until(lambda: accepted(database, campaign_id) > 4)
        page = sender.post(f"/desk/campaigns/{campaign_id}/pause").text
        with database.engine.connect() as connection:
            answered = database_now(connection)
        assert sending.result() == "paused"
    assert "Paused: nobody else is mailed" in page
    with database.engine.connect() as connection:
        later = connection.scalar(select(func.count()).select_from(Attempt).where(Attempt.started_at > answered))
        found = read_ledger(connection, campaign_id)
    assert later == 0
    assert found.balances
    assert found.waiting > 0


def accepted(database: Database, campaign_id: int) -> int:
    with database.engine.connect() as connection:
        return read_ledger(connection, campaign_id).accepted


def test_the_second_who_pauses_is_told(database: Database, sender: Browser, under_way: int) -> None:
    sender.post(f"/desk/campaigns/{under_way}/pause")
    answer = sender.post(f"/desk/campaigns/{under_way}/pause")
    assert answer.status_code == 422
    assert "is paused and can&#39;t be paused" in answer.text


def test_an_editor_sees_who_may_do_the_rest_and_no_address(
    database: Database, as_role: Callable[[str], Browser], under_way: int
) -> None:
    sender, editor = as_role("sender"), as_role("editor")
    sender.post(f"/desk/campaigns/{under_way}/pause")
    page = editor.get(f"/desk/campaigns/{under_way}").text
    assert "Sender Example can" in page
    assert "can look that up" in page
    assert "can retry" in page
    for button in ("Resume", "Cancel", "Retry…", "/who", "/people"):
        assert button not in HTMLParser(page).css_first("main").html  # type: ignore[operator, union-attr]
    assert "@people.example" not in page
    assert "can decide about them" in editor.get(f"/desk/campaigns/{under_way}/uncertain").text


def test_resuming_says_how_many_are_mailed(database: Database, sender: Browser, under_way: int) -> None:
    with database.engine.begin() as connection:
        confirm(connection, database.settings, who="the test")
        steering.pause(connection, under_way, who="Priya", because="many complaints")
    page = sender.get(f"/desk/campaigns/{under_way}/resume").text
    assert "many complaints" in page
    assert "Send to 2 people" in words(page)
    assert "Resumed." in sender.post(f"/desk/campaigns/{under_way}/resume", because="It was one person").text
    assert state_of(database, under_way) == "sending"


def test_cancelling_says_how_many_are_out_already(database: Database, sender: Browser, under_way: int) -> None:
    page = words(sender.get(f"/desk/campaigns/{under_way}/cancel").text)
    assert "1 person has it already, and that can’t be called back" in page
    assert "Cancel: 2 people will not be mailed" in page
    assert "2 people will not be mailed" in sender.post(f"/desk/campaigns/{under_way}/cancel").text
    assert state_of(database, under_way) == "cancelled"
    assert "is cancelled now" in sender.get(f"/desk/campaigns/{under_way}/cancel").text


@pytest.mark.parametrize("action", ["resume", "cancel", "retry", "uncertain", "ledger.csv"])
def test_what_can_t_be_undone_needs_a_fresh_proof(
    database: Database, admin: Browser, under_way: int, action: str
) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE account_sessions SET proved_at = now() - interval '11 minutes'"))
    answer = admin.post(f"/desk/campaigns/{under_way}/{action}", because="a reason")
    assert answer.status_code == 401
    assert "Show that it is you" in answer.text
    assert state_of(database, under_way) == "sending"


def test_failed_people_are_retried_with_a_reason(database: Database, sender: Browser, under_way: int) -> None:
    assert "Retry 1 person" in words(sender.get(f"/desk/campaigns/{under_way}/retry").text)
    answer = sender.post(f"/desk/campaigns/{under_way}/retry")
    assert answer.status_code == 422
    assert "Write why" in answer.text
    assert "1 failed people are waiting again" in sender.post(
        f"/desk/campaigns/{under_way}/retry", because="Their server is back"
    ).text  # fmt: skip
    assert "nobody to retry" in sender.get(f"/desk/campaigns/{under_way}/retry").text


@pytest.mark.parametrize(
    ("decision", "said"),
    [("count-as-accepted", "2 people are counted as accepted"), ("send-again", "2 people are mailed again")],
)
def test_uncertain_people_are_decided_with_the_evidence_and_a_reason(
    database: Database, sender: Browser, under_way: int, decision: str, said: str
) -> None:
    page = words(sender.get(f"/desk/campaigns/{under_way}/uncertain").text)
    assert "2 people of 1 requests are uncertain" in page
    assert "No webhook key is set here" in page
    answer = sender.post(f"/desk/campaigns/{under_way}/uncertain", decision=decision)
    assert answer.status_code == 422
    assert f'value="{decision}" checked' in answer.text
    answer = sender.post(f"/desk/campaigns/{under_way}/uncertain", decision="both", because="x")
    assert "Choose one." in answer.text
    answer = sender.post(f"/desk/campaigns/{under_way}/uncertain", decision=decision, because="the feed shows them")
    assert said in answer.text
    assert "the feed shows them" in answer.text
    assert "Nobody is uncertain." in sender.get(f"/desk/campaigns/{under_way}/uncertain").text


def test_a_scheduled_campaign_is_moved_and_made_a_draft_again(database: Database, sender: Browser) -> None:
    campaign_id = staged(database, 2)
    with database.engine.begin() as connection:
        confirm(connection, database.settings, who="the test")
        set_plan(connection, database.settings, find_campaign(connection, campaign_id), Plan(at="2099-05-01 09:00"),
                 who="Priya")  # fmt: skip
    address = f"/desk/campaigns/{campaign_id}"
    assert "Move…" in sender.get(address).text
    answer = sender.post(f"{address}/plan", at="2001-01-01T09:00")
    assert answer.status_code == 422
    assert "is past" in answer.text
    assert 'value="2001-01-01T09:00"' in answer.text
    assert "--at" not in sender.post(f"{address}/plan", at="tomorrow").text
    assert "1 Jun 2099, 10:30" in sender.post(f"{address}/plan", at="2099-06-01T10:30").text
    assert "It is a draft again" in sender.post(f"{address}/unschedule").text
    assert "can’t be moved" in sender.get(f"{address}/plan").text
    assert sender.post(f"{address}/unschedule").status_code == 422


def test_a_correction_is_shown_and_taken_away(database: Database, sender: Browser, under_way: int) -> None:
    address = f"/desk/campaigns/{under_way}/correct"
    assert "is shown above the mail now" in sender.post(address, text="It is <Saturday>.").text
    assert "It is &lt;Saturday&gt;.</textarea>" in sender.get(address).text
    assert "no correction any more" in sender.post(address, text=" ").text


def test_people_are_listed_by_state_and_paged(database: Database, sender: Browser) -> None:
    campaign_id = frozen(database, 120)
    address = f"/desk/campaigns/{campaign_id}/people"
    page = sender.get(f"{address}?state=waiting").text
    assert len(page.encode()) < 50_000
    seen = re.findall(r'value="(person\d+@people.example)"', page)
    while more := HTMLParser(page).css_first('main a[href*="after="]'):
        page = sender.get(str(more.attributes["href"])).text
        seen += re.findall(r'value="(person\d+@people.example)"', page)
    assert seen == [f"person{number}@people.example" for number in range(120)]
    assert "Nobody is failed." in words(sender.get(f"{address}?state=failed").text)
    assert sender.get(f"{address}?state=nonsense&after=-5").status_code == 200
    assert sender.get(f"{address}?after={10**30}").status_code == 200


def test_the_ledger_is_downloaded_by_an_admin_and_that_is_written_down(
    database: Database, admin: Browser, under_way: int
) -> None:
    page = admin.get(f"/desk/campaigns/{under_way}/people?state=failed").text
    assert "Download the ledger" in page
    answer = admin.post(f"/desk/campaigns/{under_way}/ledger.csv", state="failed", because="May audit")
    header, *rows = csv.reader(io.StringIO(answer.text))
    assert header[:3] == ["address", "state", "reason"]
    assert [row[:3] for row in rows] == [["person1@people.example", "failed", "mailbox full"]]
    assert answer.headers["Content-Disposition"] == f'attachment; filename="campaign-{under_way}-failed.csv"'
    assert lines(database)[-1] == ("Admin Example", "campaign_people.download", "done")
    assert (
        len(
            list(
                csv.reader(io.StringIO(admin.post(f"/desk/campaigns/{under_way}/ledger.csv", because="May audit").text))
            )
        )
        == 7
    )


def test_a_sender_sees_who_may_download_the_ledger(as_role: Callable[[str], Browser], under_way: int) -> None:
    as_role("admin")
    assert "Admin Example can download" in as_role("sender").get(f"/desk/campaigns/{under_way}/people").text


@pytest.mark.parametrize(
    ("number", "answer"),
    [
        (0, "Probably. P0 was written down"),
        (1, "No. P1 was written down"),
        (2, "Not known. P2 was written down"),
        (4, "Not yet. P4 was written down"),
    ],
)
def test_did_they_get_it_by_state(sender: Browser, under_way: int, number: int, answer: str) -> None:
    page = sender.post(f"/desk/campaigns/{under_way}/who", email=f" Person{number}@people.example ").text
    assert answer in words(page)
    assert "The whole story" in page


def test_did_they_get_it_says_why_somebody_was_excluded_and_what_can_be_done(
    database: Database, sender: Browser
) -> None:
    campaign_id = staged(database, 3)
    with database.engine.begin() as connection:
        unsubscribe(connection, 1, 1, "one-click")
        suppress(connection, "person1@people.example", "complaint")
        confirm(connection, database.settings, who="the test")
        steering.begin(connection, database.settings, find_campaign(connection, campaign_id))
    left = words(sender.post(f"/desk/campaigns/{campaign_id}/who", email="person0@people.example").text)
    assert "No." in left
    assert "They had left the list" in left
    assert "Only they can come back" in left
    suppressed = words(sender.post(f"/desk/campaigns/{campaign_id}/who", email="person1@people.example").text)
    assert "No list may mail their address since" in suppressed
    assert "complaint" in suppressed
    with database.engine.begin() as connection:
        steering.cancel(connection, campaign_id, who="Priya")
    cancelled = words(sender.post(f"/desk/campaigns/{campaign_id}/who", email="person2@people.example").text)
    assert "cancelled before their turn" in cancelled


def member_of(connection: Connection, email: str) -> int:
    return connection.execute(select(Member.id).where(Member.email == email)).scalar_one()


def test_before_anybody_is_written_down_it_is_said_who_would_get_it(database: Database, sender: Browser) -> None:
    campaign_id = staged(database, 2)
    with database.engine.begin() as connection:
        unsubscribe(connection, 1, 1, "one-click")
    address = f"/desk/campaigns/{campaign_id}/who"
    gets = words(sender.post(address, email="person1@people.example").text)
    assert (
        "Nobody is written down yet: the campaign is draft. person1@people.example is on friends, and gets it" in gets
    )
    left = words(sender.post(address, email="person0@people.example").text)
    assert "Nobody is written down yet: the campaign is draft. They left the list" in left


def test_did_they_get_it_for_somebody_who_is_not_in_the_audience(
    database: Database, sender: Browser, under_way: int
) -> None:
    staged(database, 1, name="others")
    address = f"/desk/campaigns/{under_way}/who"
    other = words(sender.post(address, email="others0@people.example").text)
    assert "was never on friends, to which this campaign goes, and is on others now" in other
    assert "put them onto friends" in other
    with database.engine.begin() as connection:
        suppress(connection, "others0@people.example", "complaint")
        suppress(connection, "never@people.example", "hard bounce")
        add_people(connection, 1, [77, 78], called="late")
        unsubscribe(connection, 1, member_of(connection, "late78@people.example"), "by hand")
    other = words(sender.post(address, email="others0@people.example").text)
    assert "No list may mail their address since" in other
    assert "complaint" in other
    assert "an admin can lift that" in other
    never = words(sender.post(address, email="never@people.example").text)
    assert "was never on friends" in never
    assert "hard bounce" in never
    late = words(sender.post(address, email="late77@people.example").text)
    assert "late77@people.example came onto friends" in late
    assert "A later campaign to the list reaches them" in late
    left = words(sender.post(address, email="late78@people.example").text)
    assert "They left the list" in left
    assert "(by hand)" in left
    assert "Only they can come back" in left
    assert "Nobody here has the address ann@nowhere.example" in sender.post(address, email="ann@nowhere.example").text
    answer = sender.post(address, email="ann at nowhere")
    assert answer.status_code == 422
    assert 'value="ann at nowhere"' in answer.text


@pytest.mark.parametrize(
    ("events", "answer"),
    [
        (["delivered"], "Yes. P 0 was written down"),
        (["delivered", "open"], "It was opened."),
        (["delivered", "click"], "A link in it was followed"),
        (["bounce"], "No. P 0 was written down"),
        (["dropped"], "SendGrid did not send it"),
        ([], "Nothing has been reported since."),
    ],
)
def test_did_they_get_it_by_what_came_back(database: Database, sender: Browser, events: list[str], answer: str) -> None:
    campaign = sent(database, people=1)
    for at, kind in enumerate(events):
        tell(campaign, campaign.event(kind, at=at, type="bounce", reason="550 no such user"))
    page = words(sender.post(f"/desk/campaigns/{campaign.campaign_id}/who", email=campaign.address()).text)
    assert answer in page


def test_did_they_get_it_takes_no_scanner_for_a_person(database: Database, sender: Browser) -> None:
    campaign = sent(database, people=1)
    for at, kind in enumerate(["delivered", "open", "click"]):
        tell(campaign, campaign.event(kind, at=at))
    with database.engine.begin() as connection:
        connection.execute(update(Event).where(Event.kind.in_(["opened", "clicked"])).values(open_class="machine"))
    page = words(sender.post(f"/desk/campaigns/{campaign.campaign_id}/who", email=campaign.address()).text)
    assert "Nobody opened it that we know of. A scanner or a mail program looked at it" in page
    assert "followed" not in page


@pytest.mark.parametrize("path", ["", "/resume", "/cancel", "/retry", "/plan", "/correct", "/uncertain", "/people"])
def test_a_test_send_and_a_missing_campaign_are_not_there(database: Database, sender: Browser, path: str) -> None:
    campaign = sent(database, kind="test")
    for number in (campaign.campaign_id, 999, 10**30):
        assert sender.get(f"/desk/campaigns/{number}{path}").status_code == 404


def test_no_page_has_an_address_in_its_url_and_analysts_see_none(
    database: Database, as_role: Callable[[str], Browser], under_way: int
) -> None:
    sender, analyst = as_role("sender"), as_role("analyst")
    page = sender.post(f"/desk/campaigns/{under_way}/who", email="person0@people.example").text
    for link in HTMLParser(page).css("a[href], form[action]"):
        assert "people.example" not in str(link.attributes.get("href") or link.attributes.get("action"))
    for path in ("", "/people", "/uncertain"):
        assert analyst.get(f"/desk/campaigns/{under_way}{path}").status_code == 403


def test_home_leads_to_campaigns_that_need_somebody(database: Database, sender: Browser, under_way: int) -> None:
    home = sender.get("/desk/").text
    assert f'href="/desk/campaigns/{under_way}/uncertain"' in home
    with database.engine.begin() as connection:
        connection.execute(update(Delivery).values(state="waiting"))
        connection.execute(update(Campaign).values(state="scheduled"))
    assert f'href="/desk/campaigns/{under_way}"' in sender.get("/desk/").text
