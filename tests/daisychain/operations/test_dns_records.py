"""What the doctor says of a sending domain, asked of a real name server on loopback."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from daisychain.errors import InputError
from daisychain.operations import dns_records
from daisychain.operations.dns_records import NameServer, Sending, examine
from tests.command import Daisychain
from tests.fakes import sendgrid_account
from tests.fakes.sendgrid import FakeSendGrid

DOMAIN = "your-charity.org"
KEY = "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3"


@dataclass
class Zone:
    """A tiny name server: `records` maps (name, type) to values; a name in `broken` fails."""

    server: str
    records: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)

    def answer(self, wire: bytes) -> bytes:
        query = dns.message.from_wire(wire)
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        name, type_ = query.question[0].name.to_text().rstrip("."), query.question[0].rdtype.name
        if name in self.broken:
            response.set_rcode(dns.rcode.SERVFAIL)
            return response.to_wire()
        if type_ != "CNAME" and (target := self.records.get((name, "CNAME"))):
            response.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", "CNAME", *target))
            name = target[0].rstrip(".")
        if values := self.records.get((name, type_)):
            response.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", type_, *values))
        if not response.answer and not any(known == name for known, _ in self.records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response.to_wire()


@pytest.fixture(scope="module")
def name_server() -> Iterator[Zone]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            wire, back = self.request
            back.sendto(zone.answer(wire), self.client_address)

    with socketserver.UDPServer(("127.0.0.1", 0), Handler) as server:
        zone = Zone(f"127.0.0.1:{server.server_address[1]}")
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield zone
        server.shutdown()


@pytest.fixture
def zone(name_server: Zone) -> Zone:
    """The zone of a charity whose mail goes through SendGrid, all of it as it should be."""
    name_server.broken = set()
    name_server.records = {
        (DOMAIN, "MX"): [f"10 mail.{DOMAIN}."],
        (DOMAIN, "TXT"): ['"v=spf1 mx ~all"', '"some-verification=1"'],
        (f"em1234.{DOMAIN}", "CNAME"): ["u1.wl1.sendgrid.net."],
        ("u1.wl1.sendgrid.net", "TXT"): ['"v=spf1 ip4:192.0.2.0/24 -all"'],
        (f"s1._domainkey.{DOMAIN}", "CNAME"): ["s1.domainkey.u1.wl1.sendgrid.net."],
        ("s1.domainkey.u1.wl1.sendgrid.net", "TXT"): ['"v=DKIM1; k=rsa; " "p=MIGfMA0GCSqGSIb3"'],
        (f"s2._domainkey.{DOMAIN}", "TXT"): [f'"{KEY}"'],
        (f"_dmarc.{DOMAIN}", "TXT"): ['"v=DMARC1; p=none; rua=mailto:dmarc@your-charity.org"'],
        (f"url1234.{DOMAIN}", "CNAME"): ["sendgrid.net."],
    }
    return name_server


def states(zone: Zone, **changes: Any) -> dict[str, str]:
    """How each record stands."""
    known = {"return_path": f"em1234.{DOMAIN}", "links": f"url1234.{DOMAIN}", "selectors": ("s1", "s2")}
    sending = Sending(**{"domain": DOMAIN, "sendgrid": True, **known, **changes})
    return {record.subject: record.state for record in examine(NameServer(zone.server), sending)}


GOOD = dict.fromkeys(("return path", "SPF", "DKIM s1", "DKIM s2", "DMARC", "link branding"), "good")


def test_a_domain_that_is_set_up_is_good_throughout(zone: Zone) -> None:
    assert states(zone) == GOOD


@pytest.mark.parametrize(
    ("name", "type_", "values", "wrong"),
    [
        (f"em1234.{DOMAIN}", "CNAME", ["elsewhere.example."], {"return path", "SPF"}),
        (f"em1234.{DOMAIN}", "CNAME", ["evilsendgrid.net."], {"return path", "SPF"}),
        ("u1.wl1.sendgrid.net", "TXT", [], {"SPF"}),
        ("u1.wl1.sendgrid.net", "TXT", ['"v=spf1 -all"', '"v=spf1 ~all"'], {"SPF"}),
        ("u1.wl1.sendgrid.net", "TXT", ['"v=spf1 +all"'], {"SPF"}),
        ("u1.wl1.sendgrid.net", "TXT", [f'"v=spf1 {"a:x.example " * 11}-all"'], {"SPF"}),
        (f"s1._domainkey.{DOMAIN}", "CNAME", [], {"DKIM s1"}),
        (f"s2._domainkey.{DOMAIN}", "TXT", ['"v=DKIM1; p="'], {"DKIM s2"}),
        (f"s2._domainkey.{DOMAIN}", "TXT", [f'"{KEY}"', f'"{KEY}x"'], {"DKIM s2"}),
        (f"_dmarc.{DOMAIN}", "TXT", [], {"DMARC"}),
        (f"_dmarc.{DOMAIN}", "TXT", ['"v=DMARC1; p=none"', '"v=DMARC1; p=reject"'], {"DMARC"}),
        (f"_dmarc.{DOMAIN}", "TXT", ['"v=DMARC1; p=maybe"'], {"DMARC"}),
        (f"url1234.{DOMAIN}", "CNAME", [], {"link branding"}),
    ],
)
def test_each_fault_is_found_and_no_other(
    zone: Zone, name: str, type_: str, values: list[str], wrong: set[str]
) -> None:
    zone.records[name, type_] = values
    assert {subject for subject, state in states(zone).items() if state == "wrong"} == wrong


def test_a_relay_of_ones_own_needs_no_records_of_sendgrids(zone: Zone) -> None:
    found = states(zone, sendgrid=False, return_path="", links="", selectors=("s2",))
    assert found == {"return path": "good", "SPF": "good", "DKIM s2": "good", "DMARC": "good"}


def test_dmarc_of_the_domain_above_counts(zone: Zone) -> None:
    assert states(zone, domain=f"news.{DOMAIN}", selectors=())["DMARC"] == "good"


def test_a_name_server_that_fails_is_no_missing_record(zone: Zone) -> None:
    zone.broken = {f"_dmarc.{DOMAIN}"}
    assert states(zone) == {**GOOD, "DMARC": "wrong"}


def test_a_name_server_that_never_answers_is_asked_once(zone: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns_records, "SECONDS", 0.2)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        zone = replace(zone, server=f"127.0.0.1:{silent.getsockname()[1]}")
        assert states(zone) == {"name server": "wrong"}


def test_what_is_no_domain_is_refused(zone: Zone) -> None:
    with pytest.raises(InputError, match="no domain"):
        states(zone, domain="a..b", sendgrid=False, return_path="")


def test_the_doctor_prints_what_is_wanted_and_fails_where_it_is_not_there(zone: Zone, durable: Daisychain) -> None:
    doctor = durable.with_settings(public_url="")
    arguments = ("doctor", "--domain", DOMAIN, "--selector", "s2", "--resolver", zone.server)
    shown = doctor(*arguments).stdout
    assert f"_dmarc.{DOMAIN} TXT" in shown
    assert "last event" in shown
    zone.records[f"_dmarc.{DOMAIN}", "TXT"] = []
    assert f"wanted: `_dmarc.{DOMAIN} TXT" in doctor(*arguments, code=1).stdout


def test_the_names_that_sendgrid_chose_need_not_be_said(zone: Zone, daisychain: Daisychain) -> None:
    with FakeSendGrid() as fake:
        fake.scopes.append("whitelabel.read")
        fake.account.domains = [sendgrid_account.domain(DOMAIN)]
        fake.account.links = [sendgrid_account.link(DOMAIN)]
        doctor = daisychain.with_settings(sendgrid_api_key=fake.key, sendgrid_api_host=fake.url)
        answer = doctor.json(
            "doctor", "--domain", f"{DOMAIN.upper()}.", "--resolver", zone.server, "--format", "json", code=1
        )
    told = {each["subject"]: each for each in answer}
    assert told[f"sender authentication {DOMAIN}"]["state"] == "good"
    assert {name: told[f"DNS {name}"]["state"] for name in GOOD} == {**GOOD, "link branding": "wrong"}
    assert f"wanted: url1.{DOMAIN} CNAME" in told["DNS link branding"]["words"], "which is not in this zone"
