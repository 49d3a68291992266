"""Refusals of real servers are told apart: is nobody there, or is it something else?"""

from __future__ import annotations

import pytest

from sender.severity import find_status, is_gone, reply_code, severity

GONE = (
    "550 5.1.1 <a@spamfighters.org>: User unknown in virtual mailbox table",
    "554 delivery error: dd This user doesn't have a yahoo.com account (ann@yahoo.com) [0] - mta1.mail.yahoo.com",
    "554 delivery error: dd Not a valid recipient - atlas",
    "554 delivery error: dd Sorry your message to ann@y.com cannot be delivered. This account has been "
    "disabled or discontinued [#102].",
    "550 5.4.1 Recipient address rejected: Access denied. AS(201806281) [DB.eop]",
    "550 5.4.310 DNS domain ex-gone.org does not exist",
    "550 5.1.10 Domain ex-a.org does not accept mail (nullMX)",
    "Domain ex-a.org does not accept mail (nullMX)",
    "550 5.1.1 The email account that you tried to reach does not exist. Please try double-checking the "
    "recipient's email address for typos or unnecessary spaces. Learn more at "
    "https://support.google.com/mail/?p=NoSuchUser",
    "Unrouteable address",
    "all relevant MX records point to non-existent hosts",
    "an MX or SRV record indicated no SMTP service: Domain has null MX",
    "550 5.1.1 RESOLVER.ADR.ExRecipNotFound; not found",
    "550 Requested action not taken: mailbox unavailable",
    "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302).",
    "550 5.2.1 The email account that you tried to reach is disabled.",
    "550 No such user here",
    "550 #5.1.0 Address rejected user unknown",
    "L'adresse électronique n'existe pas",
    "Utilisateur inconnu",
    "Le destinataire est inconnu",
    "550 Benutzer unbekannt",
    "Das Postfach existiert nicht",
    "550 Usuario desconocido",
    "la cuenta no existe",
    "Indirizzo inesistente",
    "Utente sconosciuto",
    "Gebruiker onbekend",
    "Usuário não encontrado",
    "Nid yw'r cyfeiriad hwn yn bodoli",
    "511 sorry, no mailbox here by that name (#5.1.1 - chkuser)",
    "550 5.1.1 Mailbox does not exist - ann",
    "550 5.1.1 sorry, that recipient is not in my validrcptto list",
    "User account is unavailable",
    "Adressaten finns inte",
    "550 5.1.2 Host unknown (Name server: ex: host not found)",
    "550 Unknown recipient",
    "550 5.1.1 unknown or illegal alias: ann@ex-a.org",
    "5.1.351 Remote server returned unknown recipient or mailbox unavailable",
    "User ann (ann@ex-a.org) not listed in Domino Directory",
    "553 5.3.0 <ann@ex-a.org>... Unknown User",
    "550 5.7.1 <ann@ex-a.org>: No such user here",
    "550 5.0.350 Remote server returned an error -> 550 mailbox not found",
    "Der Empfänger ist unbekannt.",
)

NOT_GONE = (
    "554 5.7.1 Relay access denied",
    "550 5.7.1 Access denied",
    "550 Access denied",
    "550 5.1.1 Access denied",
    "550 5.1.1 <a@b.org>: Recipient address rejected: your IP is listed at zen.spamhaus.org",
    "550 5.1.1 Blocked by policy",
    "550 5.1.1 Message rejected as spam",
    "554 5.7.1 <x>: Helo command rejected: Host not found",
    "550 5.1.8 Sender address rejected: Domain not found",
    "450 4.1.1 unverified address",
    "mailbox is full:\n retry timeout exceeded",
    "552 5.1.1 Boite du destinataire pleine. Recipient overquota",
    "Das Postfach ist voll",
    "The user's mailbox is over quota",
    "550 5.2.1 The user you are trying to contact is receiving mail too quickly",
    "recipient's mail server is unavailable",
    "550 5.7.26 unauthenticated",
    "550 5.4.1 Access denied",
    "Connection closed by remote host",
    "550 5.7.1 RESOLVER.RST.AuthRequired; authentication required",
    "550 Administrative prohibition - envelope blocked",
    "I do not want newsletters 500 times",
    "550 5.7.515 Access denied, sending domain does not meet the required authentication level",
    "Mailbox temporarily unavailable",
    "El buzón está lleno",
    "La casella è piena",
    "Caixa cheia",
    "Postvak is vol",
    "550 rejected",
    "message expired for the recipient",
    "550 5.7.1 Sender unknown",
)


@pytest.mark.parametrize("text", GONE)
def test_wordings_for_nobody_there_are_hard(text: str) -> None:
    assert severity(find_status(f": {text}"), text) == "hard"


@pytest.mark.parametrize("text", NOT_GONE)
def test_everything_else_is_soft_whatever_its_status(text: str) -> None:
    assert severity(find_status(f": {text}"), text) == "soft"
    assert not is_gone(text)


@pytest.mark.parametrize("text", ["550 5.1.1 <a@b.org>: User unknown", "550 No such user", "553 5.1.2 Host unknown"])
def test_a_relay_says_so_at_once(text: str) -> None:
    assert is_gone(text)


@pytest.mark.parametrize(
    "text",
    [
        "Mailsrv 2.8.28", "SmtpGate 4.25.1", "version: 5.1.1", "version 5.1.1", "Exim 4.97", "192.5.1.1", "£5.10.20",
        "Room 502 or 0113 496 0550", "Ticket 554 open", "from 500 pounds", "ext 450 ", "Office 420",
        "512 kB of 5.1.1.7",
    ],
)  # fmt: skip
def test_versions_rooms_and_prices_are_neither_status_nor_code(text: str) -> None:
    assert (find_status(text), reply_code(text)) == ("", "")


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("SmtpGate 4.25.1\nann: 550 5.1.1 no", "5.1.1"), ("(#5.1.1)", "5.1.1"), ("550-5.1.10 gone", "5.1.10"),
        ("Status: 4.2.2", "4.2.2"), ("451 4.7.1 later\n550 5.2.1 disabled", "5.2.1"),
    ],
)  # fmt: skip
def test_a_status_is_found_beside_a_code_or_label(text: str, status: str) -> None:
    assert find_status(text) == status


@pytest.mark.parametrize(
    "text", ["550 5.7.1 No such user", "550 5.4.1 Recipient address rejected: Access denied", "450 4.1.1 User unknown"]
)
def test_a_relay_that_may_mean_us_or_a_while_does_not_say_so(text: str) -> None:
    assert not is_gone(text)
