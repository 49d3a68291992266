"""What the doctor says of an account at SendGrid, asked of the stand-in over HTTP."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from daisychain.settings import Settings
from sender.providers.sendgrid_account import Account
from sender.providers.sendgrid_setup import NEEDED_EVENTS, SCOPES, AuthenticatedDomains, Setup, SetupFinding
from tests.command import Daisychain
from tests.fakes.sendgrid import FakeSendGrid
from tests.fakes.sendgrid_account import domain, link, webhook
from tests.fakes.sendgrid_events import Signer

DOMAIN = "your-charity.org"
PUBLIC = "https://news.your-charity.org"
HOOK = f"{PUBLIC}/webhooks/sendgrid"
EVERYTHING = ["mail.send", *(names[0] for names, _ in SCOPES)]


@pytest.fixture
def fake() -> Iterator[FakeSendGrid]:
    """Return the settings for an account that is set up correctly."""
    with FakeSendGrid() as fake:
        fake.scopes = list(EVERYTHING)
        fake.account.domains = [domain("another.org"), domain(DOMAIN)]
        fake.account.links = [link(DOMAIN)]
        fake.account.webhooks = [webhook("https://another.org", "another key"), webhook(HOOK, fake.public_key)]
        yield fake


@pytest.fixture
def asking(fake: FakeSendGrid, tmp_path: Path) -> Settings:
    return Settings(
        home=tmp_path, public_url=PUBLIC, sendgrid_api_key=fake.key, sendgrid_api_host=fake.url, test_mode=True,
        sendgrid_webhook_keys=(Signer().public_key, fake.public_key),
    )  # fmt: skip


def found(asking: Settings, *domains: str) -> dict[str, SetupFinding]:
    findings = list(Setup(Account(asking)).findings(domains or (DOMAIN,)))
    assert len({each.subject for each in findings}) == len(findings)
    return {each.subject: each for each in findings}


GOOD = {
    "SendGrid key": "good",
    f"sender authentication {DOMAIN}": "good",
    f"link branding {DOMAIN}": "good",
    "SendGrid webhook": "good",
    "SendGrid signature": "good",
    "SendGrid events": "good",
    "SendGrid credits": "good",
}


def states(asking: Settings) -> dict[str, str]:
    return {subject: each.state for subject, each in found(asking).items()}


def test_an_account_that_is_set_up_is_good_in_every_line(asking: Settings) -> None:
    assert states(asking) == GOOD
    assert "99,000 of 100,000 left until 2026-12-01" in found(asking)["SendGrid credits"].words


def single(*, verified: bool) -> dict[str, Any]:
    return {"id": 1234, "from_email": f"Ann@{DOMAIN}", "from_name": "Ann", "verified": verified, "locked": False}


# What is changed → the line that tells it, how, and what its words have to hold.
FAULTS: dict[str, tuple[Callable[[FakeSendGrid], object], str, str, str]] = {
    "may not send": (lambda f: f.scopes.remove("mail.send"), "SendGrid key", "wrong", "Mail Send"),
    "may not see its lists": (
        lambda f: f.scopes.remove("suppression.read"), "SendGrid scopes", "missing", "syncing its suppression lists",
    ),
    "domain not right in the DNS": (
        lambda f: f.account.domains.__setitem__(1, domain(DOMAIN, valid=False)),
        f"sender authentication {DOMAIN}", "wrong",
        f"wanted: s1._domainkey.{DOMAIN} CNAME s1.domainkey.u1.wl1.sendgrid.net",
    ),
    "domain not known": (
        lambda f: f.account.domains.pop(), f"sender authentication {DOMAIN}", "wrong", "Authenticate it under Settings",
    ),
    "only single addresses": (
        lambda f: (f.account.domains.pop(), f.account.senders.append(single(verified=True))),
        f"sender authentication {DOMAIN}", "wrong", "knows only 1 single addresses",
    ),
    "an address that was never verified": (
        lambda f: (f.account.domains.pop(), f.account.senders.append(single(verified=False))),
        f"sender authentication {DOMAIN}", "wrong", "does not know this domain",
    ),
    "links not right in the DNS": (
        lambda f: f.account.links.__setitem__(0, link(DOMAIN, valid=False)), f"link branding {DOMAIN}", "wrong",
        f"wanted: url1.{DOMAIN} CNAME sendgrid.net",
    ),
    "links not branded": (lambda f: f.account.links.clear(), f"link branding {DOMAIN}", "missing", "brand links"),
    "no webhook at all": (lambda f: f.account.webhooks.clear(), "SendGrid webhook", "wrong", HOOK),
    "none of ours": (lambda f: f.account.webhooks.pop(), "SendGrid webhook", "wrong", "Create one under"),
    "turned off": (
        lambda f: f.account.webhooks[1].update(enabled=False), "SendGrid webhook", "wrong", "Turn it on",
    ),
    "not signed": (lambda f: f.account.webhooks[1].pop("public_key"), "SendGrid signature", "wrong", "Turn them on"),
    "signed by a key that we lack": (
        lambda f: f.account.webhooks[1].update(public_key="MFkw"), "SendGrid signature", "wrong", "Set it to MFkw",
    ),
    **{
        f"{event} not sent": (
            lambda f, event=event: f.account.webhooks[1].update({event: False}), "SendGrid events", "wrong", event,
        )
        for event in NEEDED_EVENTS
    },
    "opens not sent": (
        lambda f: f.account.webhooks[1].update(open=False), "SendGrid events", "missing", "Not sent to us: open",
    ),
    "no credits": (lambda f: f.account.credits.update(remain=0), "SendGrid credits", "wrong", "refused"),
    "credits in another shape": (lambda f: f.account.credits.clear(), "SendGrid credits", "not known", "not say"),
}  # fmt: skip


@pytest.mark.parametrize("case", FAULTS)
def test_each_fault_is_told_in_its_own_line_with_what_to_do(fake: FakeSendGrid, asking: Settings, case: str) -> None:
    change, subject, state, words = FAULTS[case]
    change(fake)
    told = found(asking)
    assert (told[subject].state, words in told[subject].words) == (state, True), told[subject]
    others = {name: each.state for name, each in told.items() if name != subject}
    assert others == {name: state for name, state in GOOD.items() if name in others}


@pytest.mark.parametrize(
    ("scope", "subjects"),
    [
        ("whitelabel.read", [f"sender authentication {DOMAIN}", f"link branding {DOMAIN}"]),
        ("user.webhooks.event.settings.read", ["SendGrid webhook"]),
        ("user.credits.read", ["SendGrid credits"]),
    ],
)
def test_what_the_key_may_not_ask_is_not_known_and_the_rest_is(
    fake: FakeSendGrid, asking: Settings, scope: str, subjects: list[str]
) -> None:
    fake.scopes.remove(scope)
    told = states(asking)
    assert [subject for subject, state in told.items() if state == "not known"] == subjects
    assert told["SendGrid scopes"] == "missing"
    assert "wrong" not in told.values()


@pytest.mark.parametrize("why", ["another key", "nobody there", "it breaks"])
def test_an_account_that_does_not_answer_is_asked_once(fake: FakeSendGrid, asking: Settings, why: str) -> None:
    if why == "another key":
        asking = replace(asking, sendgrid_api_key="SG.wrong")
    elif why == "nobody there":
        with closing(socket.create_server(("127.0.0.1", 0))) as listener:
            asking = replace(asking, sendgrid_api_host=f"http://127.0.0.1:{listener.getsockname()[1]}")
    else:
        fake.refusing["/v3/"] = 500
        assert set(states(asking).values()) == {"not known", "good"}
        return
    setup = Setup(Account(asking))
    (only,) = setup.findings([DOMAIN])
    assert (only.subject, only.state) == ("SendGrid key", "not known")
    assert "SG." not in only.words
    assert setup.names(DOMAIN) == AuthenticatedDomains()
    assert len(fake.asked) == 0


def test_without_a_public_url_there_is_no_webhook_to_look_for(asking: Settings) -> None:
    assert found(replace(asking, public_url=""))["SendGrid webhook"].state == "missing"


def test_the_names_that_sendgrid_chose_are_known_for_the_dns(asking: Settings) -> None:
    assert Setup(Account(asking)).names(DOMAIN) == AuthenticatedDomains(
        f"em1234.{DOMAIN}", f"url1.{DOMAIN}", ("s1", "s2")
    )


def test_each_question_is_asked_once_and_nothing_is_changed_there(fake: FakeSendGrid, asking: Settings) -> None:
    setup = Setup(Account(asking))
    list(setup.findings([DOMAIN]))
    setup.names(DOMAIN)
    assert len(fake.asked) == len(set(fake.asked)) == 4


def test_the_doctor_asks_sendgrid_about_the_domains_of_all_lists(asking: Settings, durable: Daisychain) -> None:
    names = ("public_url", "sendgrid_api_key", "sendgrid_api_host", "sendgrid_webhook_keys")
    doctor = durable.with_settings(**{name: getattr(asking, name) for name in names})
    doctor("list", "create", "friends", "--from", f"Ann <ann@{DOMAIN.upper()}>")
    told = {each["subject"]: each["state"] for each in doctor.json("doctor", "--format", "json")}
    assert {subject: told[subject] for subject in GOOD} == GOOD
