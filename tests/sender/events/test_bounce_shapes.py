"""Bounces and other mails in the shapes and languages that servers really send, each read as what it is."""

# ruff: noqa: E501 (a case is easier to compare on one line)
from __future__ import annotations

import base64
import quopri
from datetime import UTC, datetime

import pytest

from sender.events.bounce_reports import read_bounce
from tests.sender.events.test_bounce_cases import ANN, KEYS, PATHS

TO = f"bounce+{KEYS.returns([7])[0]}@mail.coalition.test"
REPORT = """Return-Path: <>
Delivered-To: {to}
From: {sender}
To: {to}
Subject: {subject}
Date: Fri, 27 Nov 2026 10:00:00 +0000
{more}Content-Type: multipart/report; report-type=delivery-status; boundary="BB"

--BB
Content-Type: text/plain; charset=utf-8

{human}

--BB
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.test

Final-Recipient: {final}
{extra}Action: {action}
Status: {status}
{diag}
--BB
Content-Type: text/rfc822-headers

From: news@mail.coalition.test
To: ann@ex-a.org
Subject: May bulletin

--BB--
"""
TEXT = """Return-Path: {rp}
Delivered-To: {to}
From: {sender}
To: {to}
Subject: {subject}
Date: Fri, 27 Nov 2026 10:00:00 +0000
{more}Content-Type: {ct}

{text}
"""
FEEDBACK = """Return-Path: <f@isp.test>
Delivered-To: {to}
From: f@isp.test
Subject: FW: May
Content-Type: multipart/report; report-type=feedback-report; boundary="BB"

--BB
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: R/1

--BB--
"""
DAEMON = "MAILER-DAEMON@mx.test"


def dsn(status: str, diag: str = "", **given: str) -> bytes:
    """Make a standard report."""
    usual = {
        "sender": DAEMON, "subject": "Undelivered Mail Returned to Sender", "human": "x", "action": "failed",
        "final": "rfc822; ann@ex-a.org", "extra": "", "more": "",
    }  # fmt: skip
    diagnostic = f"Diagnostic-Code: {diag}\n" if diag else ""
    return REPORT.format(**usual | given, to=TO, status=status, diag=diagnostic).encode()


def free(text: str, *, cte: str = "", more: str = "", **given: str) -> bytes:
    """Make a mail in free text."""
    usual = {"sender": DAEMON, "subject": "failure notice", "rp": "<>", "ct": "text/plain; charset=utf-8"}
    more += f"Content-Transfer-Encoding: {cte}\n" if cte else ""
    return TEXT.format(**usual | given, to=TO, text=text, more=more).encode()


def arf(kind: str) -> bytes:
    """Make a feedback report."""
    return FEEDBACK.format(to=TO, kind=kind).encode()


def base64_of(text: str) -> str:
    return base64.encodebytes(text.encode()).decode()


def quoted(text: str) -> str:
    return quopri.encodestring(text.encode()).decode()


def encoded(cte: str) -> bytes:
    """Make a standard report whose fields are encoded."""
    begin, fields = dsn("5.1.1", f"smtp; 550 5.1.1 User unknown =) {'x' * 90}").decode().split("delivery-status\n\n")
    fields, _, end = fields.partition("\n--BB\n")
    made = base64_of(fields) if cte == "base64" else quoted(fields)
    return f"{begin}delivery-status\nContent-Transfer-Encoding: {cte}\n\n{made}\n--BB\n{end}".encode()


_BEGIN, _REST = dsn("5.1.1", "smtp; 550 5.1.1 gone").split(b"Content-Type: multipart", 1)
WRAPPED = (
    _BEGIN + b'Content-Type: multipart/mixed; boundary="AA"\n\n--AA\nContent-Type: multipart' + _REST
    + b"\n--AA\nContent-Type: text/plain\n\nScanned by virus filter\n--AA--\n"
)  # fmt: skip
GROUP = dsn("5.1.1", "smtp; 550 no such user", final="rfc822; jane@else.org").replace(
    b"\n--BB\nContent-Type: text/rfc822",
    b"\nFinal-Recipient: rfc822; ann@ex-a.org\nAction: expanded\nStatus: 2.0.0\n\n--BB\nContent-Type: text/rfc822",
)
FORWARDED = (
    f"Return-Path: <ann@ex-a.org>\nFrom: Ann <ann@ex-a.org>\nTo: {TO}\nSubject: look at this\n".encode()
    + b"Content-Type: multipart/mixed; boundary=Q\n\n--Q\nContent-Type: text/plain\n\nsee 550 5.1.1\n"
    + b"--Q\nContent-Type: message/rfc822\n\n" + dsn("5.1.1", "smtp; 550 gone") + b"\n--Q--\n"
)  # fmt: skip

# fmt: off
CASES = [
    ("hard",dsn("5.5.0","smtp; 550 5.5.0 Requested action not taken: mailbox unavailable")),
    ("hard",dsn("5.4.1","smtp; 550 5.4.1 Recipient address rejected: Access denied. AS(201806281) [AM5EUR.eop]")),
    ("hard",dsn("5.0.0","",human="ann@ex-a.org\n  all relevant MX records point to non-existent hosts",more="X-Failed-Recipients: ann@ex-a.org\nAuto-Submitted: auto-replied\n")),
    ("hard",dsn("5.0.0","",human="ann@ex-a.org\n    Unrouteable address")),
    ("hard",dsn("5.1.0","smtp; 556 5.1.10 <ann@ex-a.org>: Recipient address rejected: Domain ex-a.org does not accept mail (nullMX)")),
    ("hard",dsn("5.1.10","X-Postfix; Domain ex-a.org does not accept mail (nullMX)")),
    ("hard",dsn("5.1.0","X-Postfix; Domain ex-a.org does not accept mail (nullMX)")),
    ("hard",dsn("5.0.0","smtp; 554 delivery error: dd This user doesn't have a yahoo.com account (ann@ex-a.org) [0] - mta1.yahoo.com")),
    ("soft",dsn("5.7.1","smtp; 554 Message not allowed - [PH01] Email not accepted for policy reasons.")),
    ("soft",dsn("5.1.1","smtp; 550 5.1.1 Message rejected due to content restrictions")),
    ("soft",dsn("5.7.606","smtp; 550 5.7.606 Access denied, banned sending IP [1.2.3.4]")),
    ("soft",dsn("5.1.1","smtp; 550 5.1.1 Your IP is on our blocklist")),
    ("soft",dsn("5.3.4","smtp; 552 5.3.4 Message size exceeds fixed limit")),
    ("soft",dsn("4.4.7","smtp; 550 4.4.7 QUEUE.Expired; message expired")),
    ("hard",dsn("5.0.0","smtp; 550 <ann@ex-a.org>: Recipient address rejected: User unknown in virtual mailbox table")),
    ("hard",dsn("5.0.0","smtp; 550 Benutzer existiert nicht")),
    ("hard",dsn("5.0.0","smtp; 550 Utilisateur inconnu")),
    ("hard",dsn("5.1.1","smtp; 550 5.1.1 User unknown",final="RFC822;Ann@EX-A.org")),
    ("hard",dsn("5.1.1","smtp; 550 5.1.1 User unknown",final="rfc822;<ann@ex-a.org>")),
    ("soft",dsn("5.1.1","smtp; 550 5.1.1 User unknown",final="rfc822;jane@else.org",extra="Original-Recipient: rfc822;ann@ex-a.org\n")),
    ("hard",dsn("5.1.1","smtp; 550 5.1.1 The email account that you tried to\n  reach does not exist")),
    ("hard",dsn("5.1.1","smtp;\n 550 5.1.1 unknown",subject="=?utf-8?B?VW56dXN0ZWxsYmFy?=")),
    ("hard",dsn("5.1.1","smtp; 550 5.1.1 unknown",sender="=?utf-8?Q?Mail_Delivery_Subsystem?= <x@y.org>")),
    ("hard",free("Votre message n'a pas pu être remis.\n\n  ann@ex-a.org\n  Utilisateur inconnu\n\n------ Message d'origine ------\nObjet: Mai",subject="Message non remis")),
    ("hard",free("Votre message n'a pas pu être remis.\n\n  ann@ex-a.org : l'adresse n'existe pas",subject="Échec de remise",ct="text/plain; charset=utf-8")),
    ("hard",free("Il messaggio non è stato consegnato.\nann@ex-a.org: casella inesistente")),
    ("hard",free("De gebruiker ann@ex-a.org is onbekend. Uw bericht is niet bezorgd.")),
    ("hard",free("A entrega falhou: ann@ex-a.org: usuário desconhecido")),
    ("hard",free("Nie można dostarczyć. Użytkownik ann@ex-a.org nie istnieje")),
    ("hard",free("Ni ellid danfon eich neges.\nann@ex-a.org: defnyddiwr anhysbys")),
    ("soft",free("Ihre Nachricht konnte nicht zugestellt werden.\n ann@ex-a.org\n Das Postfach ist voll.")),
    ("soft",free("Su mensaje no se pudo entregar. El buzón de ann@ex-a.org está lleno. 552")),
    ("hard",free(base64_of("ann@ex-a.org: 550 5.1.1 User unknown"),cte="base64")),
    ("hard",free(quoted("Der Empfänger ann@ex-a.org ist unbekannt. Die Nachricht konnte nicht zugestellt werden."),cte="quoted-printable")),
    ("hard",free("<html><head><style>p{a:500 5.2.2}</style></head><body><h1>Delivery has failed</h1><p>ann@ex-a.org</p><p>The e-mail address you entered couldn&#39;t be found.</p></body></html>",ct="text/html; charset=utf-8")),
    ("soft",free("<p>Delivery to ann@ex-a.org failed: 552 5.2.2 mailbox full</p>",ct="text/html")),
    ("hard",free("Report by MailEngine v5.2.2\nann@ex-a.org: 550 5.1.1 User unknown")),
    ("hard",free("Mailer 4.4.7 (build 550)\n\n ann@ex-a.org: 550 5.1.1 User unknown")),
    ("soft",free("Server 5.1.1 says: ann@ex-a.org: 552 5.2.2 Mailbox full")),
    ("deferred",free("Your message to ann@ex-a.org is delayed. It will be retried for 3 more days.",subject="Delivery delayed")),
    ("deferred",dsn("4.4.1","",action="delayed",subject="Delivery Status Notification (Delay)")),
    ("deferred",free("Die Nachricht an ann@ex-a.org konnte noch nicht zugestellt werden. Es wird weiterhin versucht.",subject="Verzögerte Zustellung")),
    ("other",free("I am out of the office. Room 550, ext 5.1.1",subject="Out of office: May",sender="Ann <ann@ex-a.org>")),
    ("other",free("Je suis absente jusqu'au 5.1. Bureau 550",subject="Réponse automatique : Mai",sender="Ann <ann@ex-a.org>")),
    ("other",free("Ich bin im Urlaub. 550",subject="Automatische Antwort: Mai",sender="postmaster@ex-a.org",more="Auto-Submitted: auto-replied\n")),
    ("other",free("Your ticket [#55012] 550 has been opened. user unknown",subject="[Ticket#55012] May",sender="support@ex-a.org",more="Auto-Submitted: auto-generated\n")),
    ("other",free("We have received your request 550 5.1.1",subject="Re: May [Case 5511]",sender="helpdesk@ex-a.org")),
    ("other",free("Click here to confirm you are a person. User unknown",subject="Verification required",sender="challenge@ex-a.org",more="Auto-Submitted: auto-replied\n")),
    ("other",free("I moved. My old address does not exist. 550 5.1.1",subject="May",sender="Ann <ann@ex-a.org>",rp="<ann@ex-a.org>")),
    ("other",free("Fuera hasta el 5. Usuario desconocido 550",subject="Respuesta automática: Mayo",sender="Ann <ann@ex-a.org>")),
    ("other",free("Rydw i allan o'r swyddfa. 550",subject="Ateb awtomatig: Mai",sender="Ann <ann@ex-a.org>")),
    ("other",free("Sono fuori ufficio",subject="Risposta automatica: Maggio",sender="Ann <ann@ex-a.org>")),
    ("other",free("Away. Address disabled.",subject="May bulletin",sender="Ann <ann@ex-a.org>",more="X-Autoreply: yes\n")),
    ("complained",arf("abuse")),
    ("complained",arf("Fraud")),
    ("other",arf("not-spam")),
    ("other",arf("auth-failure")),
    ("other",arf("virus")),
    ("other",arf("other")),
    ("unsubscribed",arf("opt-out")),
    ("complained",arf("\n abuse")),
    ("soft",free("Hi. This is the qmail-send program.\n\n<jane@else.org>:\nSorry, no mailbox here by that name. (#5.1.1)\n")),
    ("soft",free("forwarded mail: jane@else.org: 550 5.1.1 User unknown",more="X-Failed-Recipients: jane@else.org\n")),
    ("hard",free("Failed to deliver to 'ann@ex-a.org'\nSMTP module(domain ex-a.org) reports:\n host ex-a.org says:\n 550 5.1.1 unknown user",sender="<postmaster@x.org>")),
    ("hard",free("Your message did not reach some or all of the intended recipients.\n\n  Subject: May\n\nThe following recipient(s) could not be reached:\n\n  ann@ex-a.org on 1/1/2026\n   The e-mail account does not exist at the organization this message was sent to.",sender="System Administrator <postmaster@ex-a.org>",subject="Undeliverable: May")),
    ("soft",free("The message could not be delivered: Your message was rejected as spam. 550",)),
    ("other",free("Your message was displayed on 1.1.2026",subject="Read: May",sender="Ann <ann@ex-a.org>")),
    ("soft",dsn("5.7.1","smtp; 550 5.7.1 Sender unknown")),
    ("soft",dsn("5.2.1","smtp; 550 5.2.1 The user is receiving mail too quickly")),
    ("hard",dsn("5.1.351","smtp;550 5.1.351 Remote server returned unknown recipient or mailbox unavailable")),
    ("hard",dsn("5.4.4","X-Postfix; Host or domain name not found. Name service error for name=gone.org type=MX: Host not found")),
    ("soft",dsn("4.4.3","X-Postfix; Host or domain name not found. Name service error for name=gone.org type=MX: Host not found, try again")),
    ("hard",dsn("5.1.2","smtp; 550 5.1.2 Bad destination system address")),
    ("hard",dsn("5.0.0","smtp; 550 unknown user <ann@ex-a.org>")),
    ("hard",dsn("5.0.0","smtp; 550 This account is no longer active")),
    ("hard",dsn("5.0.0","smtp; 550 ann has left the organisation")),
    ("hard",dsn("5.7.1","smtp; 550 5.7.1 Invalid recipient ann@ex-a.org")),
    ("hard",encoded("base64")),
    ("hard",encoded("quoted-printable")),
    ("hard",WRAPPED),("delivered",GROUP),("other",FORWARDED),
    ("hard",dsn("5.0.0","smtp; 550 Empfänger unbekannt").decode().encode("latin-1")),
    ("hard",dsn("5.0.0","smtp; 550 Empfänger unbekannt")),
    ("hard",dsn("5.0.0","smtp; 550 =?utf-8?Q?Empf=C3=A4nger_unbekannt?=")),
    ("hard",dsn("\n 5.1.1","smtp; 550 gone")),
    ("hard",dsn("5.1.1","smtp; 550 gone",final="utf-8; ann@ex-a.org").replace(b"message/delivery-status",b"message/global-delivery-status")),
    ("hard",dsn("5.1.1","smtp; 550 gone").replace(b"\n",b"\r\n")),
    ("hard",free("Der Empfänger ann@ex-a.org ist unbekannt.",ct="text/plain; charset=us-ascii")),
    ("hard",free("Der Empfänger ann@ex-a.org ist unbekannt.",ct="text/plain").decode().encode("latin-1")),
    ("hard",free("L'utilisateur ann@ex-a.org n'existe pas",ct="text/plain; charset=foo")),
    ("soft",free("La boîte aux lettres de ann@ex-a.org est pleine. Message non remis. 552",)),
    ("soft",dsn("5.2.2","smtp;554 5.2.2 Postfach voll")),
    ("soft",dsn("5.0.0","",human="ann@ex-a.org\n Das Postfach hat sein Speicherlimit überschritten")),
    ("hard",dsn("5.0.0","",human="Die Adresse ann@ex-a.org wurde nicht gefunden")),
    ("hard",dsn("5.0.0","",human="L'adresse ann@ex-a.org est introuvable")),
    ("other",f"Return-Path: <>\nFrom: Ann <ann@ex-a.org>\nTo: {TO}\nSubject: Read: May\nContent-Type: multipart/report; report-type=disposition-notification; boundary=Q\n\n--Q\nContent-Type: text/plain\n\nread\n--Q\nContent-Type: message/disposition-notification\n\nFinal-Recipient: rfc822; ann@ex-a.org\nDisposition: manual-action/MDN-sent-manually; displayed\n\n--Q--\n".encode()),
    ("other",free("I am on leave. Bob's account is disabled; 550 5.1.1",subject="=?utf-8?B?QXV0b21hdGljIHJlcGx5OiBNYXk=?=",sender="Ann <ann@ex-a.org>")),
    ("other",free("I am on leave. Bob's account is disabled; 550 5.1.1",subject="Automatic\n reply: May",sender="Ann <ann@ex-a.org>")),
    ("other",free("Vielen Dank für Ihre Anfrage. Vorgang 550123. Adresse unbekannt",subject="Eingangsbestätigung",sender="info@ex-a.org",more="Auto-Submitted: auto-replied\n")),
    ("other",free("We got your message. Ticket 5.1.1 user not found",subject="Request received: May",sender="support@ex-a.zendesk.com",rp="<>")),
    ("hard",free("550 5.1.1 User unknown",subject="Undeliverable: Automatic reply needed",sender="MAILER-DAEMON@mx.test",more="X-Failed-Recipients: ann@ex-a.org\n")),
    ("hard",free("ann@ex-a.org: 550 5.1.1 User unknown",subject="Undeliverable: Thank you for your ticket",sender="MAILER-DAEMON@mx.test")),
    ("hard",free("ann@ex-a.org: 550 5.1.1 User unknown",subject="Undeliverable: Re: May",sender="MAILER-DAEMON@mx.test")),
    ("hard",free("Failed:\nann@ex-a.org: 550 5.1.1 User unknown",subject="Returned mail: please confirm",sender="MAILER-DAEMON@mx.test")),
]
# fmt: on


@pytest.mark.parametrize("number", range(len(CASES)))
def test_each_shape_is_read_as_what_it_is(number: int) -> None:
    expected, raw = CASES[number]
    found = read_bounce(raw, KEYS, PATHS, datetime.now(UTC), lambda delivery_id: ANN)
    assert ((found.bounce or found.kind) if found else "other") == expected, raw.decode("utf-8", "replace")
