"""Compare the DNS of a sending domain with what mail needs: SPF, DKIM, DMARC, return path, link branding."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import dns.exception
import dns.name
import dns.resolver

from daisychain.errors import InputError
from sender.providers.sendgrid_setup import SetupFinding

SENDGRID = "sendgrid.net"
SENDGRID_SELECTORS = ("s1", "s2")
# RFC 7208, section 4.6.4: a receiver that needs more gives up, and the record counts as broken.
MOST_SPF_LOOKUPS = 10
SECONDS = 5.0


@dataclass(frozen=True)
class Sending:
    """The way that mail of a domain leaves; empty names are unknown. `return_path` and `links` are whole host names."""

    domain: str
    sendgrid: bool = False
    selectors: Sequence[str] = ()
    return_path: str = ""
    links: str = ""


class NameServer:
    """The DNS, asked through the system's name servers, or one at `server` ("192.0.2.1" or "127.0.0.1:5353")."""

    def __init__(self, server: str = "") -> None:
        self._resolver = dns.resolver.Resolver(configure=not server)
        self._resolver.lifetime = SECONDS
        if server:
            host, _, port = server.rpartition(":") if server.count(":") == 1 else (server, "", "")
            try:
                self._resolver.nameservers = [host]
                self._resolver.port = int(port or 53)
            except ValueError:
                raise InputError(f"{server!r} is no name server.", hint="For example 1.1.1.1.") from None

    def texts(self, name: str) -> list[str]:
        """The TXT records of a name, CNAMEs followed."""
        return [b"".join(record.strings).decode("utf-8", "replace") for record in self._ask(name, "TXT")]

    def alias(self, name: str) -> str:
        """Return the target of a name's CNAME, or nothing."""
        return next((str(record.target).rstrip(".").lower() for record in self._ask(name, "CNAME")), "")

    def has(self, name: str, type_: str) -> bool:
        """Whether a name has a record of that type."""
        return bool(self._ask(name, type_))

    def _ask(self, name: str, type_: str) -> list[Any]:
        try:
            return list(self._resolver.resolve(dns.name.from_text(name), type_))
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []


def examine(names: NameServer, sending: Sending) -> Iterator[SetupFinding]:
    """Check each record that the mail of a domain needs."""
    looks: dict[str, Callable[[NameServer, Sending], Iterator[SetupFinding]]] = {
        "return path": _return_path, "SPF": _spf, "DKIM": _dkim, "DMARC": _dmarc, "link branding": _links,
    }  # fmt: skip
    for subject, look in looks.items():
        try:
            yield from look(names, sending)
        except (dns.name.LabelTooLong, dns.name.EmptyLabel, dns.name.NameTooLong, dns.name.BadEscape):
            raise InputError(f"{sending.domain!r} is no domain.") from None
        except dns.resolver.LifetimeTimeout:
            yield SetupFinding("name server", "wrong", "gave no answer; nothing more was asked")
            return
        except dns.exception.DNSException as error:
            yield SetupFinding(subject, "wrong", f"the DNS did not answer: {type(error).__name__}")


def _missing(subject: str, found: str, wanted: str) -> SetupFinding:
    return SetupFinding(subject, "missing", f"{found}\nwanted: {wanted}")


def _judged(subject: str, problem: str, good: str, wanted: str) -> SetupFinding:
    """Return that a record is good or, if there is a problem, what it is and what is wanted."""
    if problem:
        return SetupFinding(subject, "wrong", f"{problem}\nwanted: {wanted}")
    return SetupFinding(subject, "good", good)


def _return_path(names: NameServer, sending: Sending) -> Iterator[SetupFinding]:
    subject, host = "return path", sending.return_path
    if sending.sendgrid:
        wanted = f"{host or f'em1234.{sending.domain}'} CNAME u1234567.wl123.{SENDGRID}"
        yield _alias(names, subject, host, "--return-path", wanted)
        return
    host = host or sending.domain
    problem = "" if names.has(host, "MX") else f"{host} has no MX: bounces have nowhere to go"
    yield _judged(subject, problem, f"{host} has an MX", f"{host} MX 10 your mail server")


def _alias(names: NameServer, subject: str, host: str, option: str, wanted: str) -> SetupFinding:
    """Check that a host's CNAME leads to SendGrid; `option` names the host if it is unknown."""
    if not host:
        return _missing(subject, f"not looked at: name it with {option}", wanted)
    target = names.alias(host)
    found = f"{host} CNAME {target}" if target else "not there"
    good = target == SENDGRID or target.endswith(f".{SENDGRID}")
    return _judged(subject, "" if good else found, found, wanted)


def _spf(names: NameServer, sending: Sending) -> Iterator[SetupFinding]:
    """SPF is asked of the return path's host; with SendGrid that host's CNAME leads to SendGrid's own record."""
    host = sending.return_path or ("" if sending.sendgrid else sending.domain)
    if not host:
        yield _missing("SPF", "not looked at: SendGrid's is at the return path", "comes with the return path")
        return
    wanted = "comes with the return path" if sending.sendgrid else f'{host} TXT "v=spf1 include:… ~all" with your relay'
    records = [text for text in names.texts(host) if re.match(r"v=spf1(\s|$)", text, re.IGNORECASE)]
    problem = ""
    if len(records) != 1:
        problem = f"{len(records)} records: there must be exactly one" if records else f"{host} has none"
    elif re.search(r"(^|\s)\+?all(\s|$)", records[0]):
        problem = f"{records[0]}: lets the whole world send as you"
    elif (lookups := _lookups(names, host, set())) > MOST_SPF_LOOKUPS:
        problem = f"{lookups} lookups, and receivers stop at {MOST_SPF_LOOKUPS}"
    yield _judged("SPF", problem, f"{host} TXT {''.join(records)}", wanted)


def _lookups(names: NameServer, host: str, seen: set[str]) -> int:
    """Count the DNS questions that a receiver needs for the SPF record of `host`; stops soon after too many."""
    if host in seen or len(seen) > MOST_SPF_LOOKUPS:
        return 0
    seen.add(host)
    count = 0
    for text in names.texts(host):
        if not text.lower().startswith("v=spf1"):
            continue
        for term in text.split()[1:]:
            kind, _, value = re.sub(r"^[+~?-]", "", term.lower()).replace("=", ":", 1).partition(":")
            if kind.partition("/")[0] in ("a", "mx", "ptr", "exists", "include", "redirect"):
                count += 1
            if kind in ("include", "redirect") and "%" not in value:
                count += _lookups(names, value, seen)
    return count


def _dkim(names: NameServer, sending: Sending) -> Iterator[SetupFinding]:
    if not sending.selectors:
        wanted = f'selector._domainkey.{sending.domain} TXT "v=DKIM1; p=…", as your relay names it'
        yield _missing("DKIM", "not looked at: name your relay's selector with --selector", wanted)
    for selector in sending.selectors:
        host = f"{selector}._domainkey.{sending.domain}"
        value = f"CNAME {selector}.domainkey.u1234567.wl123.{SENDGRID}" if sending.sendgrid else 'TXT "v=DKIM1; p=…"'
        keys = [tags["p"] for text in names.texts(host) if "p" in (tags := _tags(text))]
        alias, problem = names.alias(host), ""
        if len(keys) > 1:
            problem = "more than one key: receivers may take either"
        elif not keys:
            problem = f"{host} has no key"
        elif not keys[0]:
            problem = "the key was withdrawn (p is empty)"
        good = f"{host} {f'CNAME {alias}' if alias else 'TXT'} with a key"
        yield _judged(f"DKIM {selector}", problem, good, f"{host} {value}")


def _dmarc(names: NameServer, sending: Sending) -> Iterator[SetupFinding]:
    """DMARC of the domain itself, or of one above it, which speaks for all below."""
    wanted = f'_dmarc.{sending.domain} TXT "v=DMARC1; p=none; rua=mailto:dmarc@{sending.domain}"'
    labels = sending.domain.split(".")
    for start in range(max(len(labels) - 1, 1)):
        host = "_dmarc." + ".".join(labels[start:])
        records = [text for text in names.texts(host) if re.match(r"v=DMARC1\s*(;|$)", text)]
        if not records:
            continue
        policy = _tags(records[0]).get("p", "").lower()
        problem = "more than one record: none of them counts" if len(records) > 1 else ""
        if not problem and policy not in ("none", "quarantine", "reject"):
            problem = f"{records[0]}: p must be none, quarantine or reject"
        yield _judged("DMARC", problem, f"{host} TXT {records[0]}", wanted)
        return
    yield _judged("DMARC", "there is none: Gmail and Yahoo require one of bulk senders", "", wanted)


def _links(names: NameServer, sending: Sending) -> Iterator[SetupFinding]:
    """Check the name in clicked links; without SendGrid they lead to our own pages."""
    if sending.sendgrid:
        wanted = f"{sending.links or f'url1234.{sending.domain}'} CNAME {SENDGRID}"
        yield _alias(names, "link branding", sending.links, "--links", wanted)


def _tags(text: str) -> dict[str, str]:
    """The tags of a DKIM or DMARC record, `name=value` between semicolons."""
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip(): "".join(value.split()) for name, _, value in pairs if name.strip()}
