"""Bounces in the formats of real mail servers."""

from __future__ import annotations

DELIVERY, RETURNED = "{delivery}", "{returned}"

_RETURNED = """Return-Path: <bounce+{returned}@daisies.org>
From: Coalition <news@daisies.org>
To: person0@people.example
Subject: News
X-Daisychain-Delivery: {delivery}
"""


def standard(
    status: str, code: str, *, action: str = "failed", returned: str = "text/rfc822-headers", words: str = "It failed."
) -> str:
    """Make a delivery report (RFC 3464), as Postfix, Exchange, Sendmail and Gmail write it."""
    diagnostic = f"Diagnostic-Code: smtp; {code}\n" if code else ""
    return f"""Return-Path: <>
From: MAILER-DAEMON@mx.example (Mail Delivery System)
To: bounce+{{returned}}@daisies.org
Subject: Undelivered Mail Returned to Sender
Message-ID: <report@mx.example>
Date: Mon, 02 Nov 2026 10:00:00 +0000
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B"

--B
Content-Type: text/plain; charset=us-ascii

{words}

--B
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example
Arrival-Date: Mon, 02 Nov 2026 09:59:59 +0000

Final-Recipient: rfc822; person0@people.example
Original-Recipient: rfc822;person0@people.example
Action: {action}
Status: {status}
{diagnostic}
--B
Content-Type: {returned}

{_RETURNED}
--B--
"""


def words(text: str, *, sender: str = "MAILER-DAEMON@mx.example", more: str = "") -> str:
    """Make a failure in free text, as qmail and old Exim write it, or any other plain mail."""
    return f"""From: {sender}
To: bounce+{{returned}}@daisies.org
Subject: failure notice
Message-ID: <words@mx.example>
Date: Mon, 02 Nov 2026 10:00:00 +0000
{more}
{text}
"""


COMPLAINT = f"""From: feedback@mx.example
To: abuse@daisies.org
Subject: FW: News
Message-ID: <complaint@mx.example>
Date: Mon, 02 Nov 2026 10:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="B"

--B
Content-Type: text/plain

This is an email abuse report.

--B
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: SomeGenerator/1.0
Version: 1

--B
Content-Type: message/rfc822

{_RETURNED}
Hello
--B--
"""

QMAIL = """Hi. This is the qmail-send program at mx.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<person0@people.example>:
192.0.2.1 does not like recipient.
Remote host said: 550 5.1.1 <person0@people.example>: no such user here
Giving up on 192.0.2.1.

--- Below this line is a copy of the message.

Our prices fell by 4.2.2 per cent.
"""
EXIM = """This message was created automatically by mail delivery software.
A message that you sent could not be delivered to one or more of its recipients.

  person0@people.example
    SMTP error from remote mail server after RCPT TO:<person0@people.example>:
    550 Unknown user

------ This is a copy of the message, including all the headers. ------
"""
FULL = "Delivery failed: 552 5.2.2 The mailbox is full."

# name → the mail, and what it tells: kind, severity, status
REPORTS: dict[str, tuple[str, tuple[str, str, str] | None]] = {
    "Postfix: user unknown": (
        standard("5.1.1", "550 5.1.1 <person0@people.example>: Recipient address rejected: User unknown"),
        ("bounced", "hard", "5.1.1"),
    ),
    "Postfix: domain not found": (standard("5.4.4", "", action="failed"), ("bounced", "hard", "5.4.4")),
    "Gmail: no such account": (
        standard("5.1.1", "550-5.1.1 The email account that you tried to reach does not exist."),
        ("bounced", "hard", "5.1.1"),
    ),
    "Gmail: spam": (standard("5.7.1", "550-5.7.1 our system has detected ... spam"), ("bounced", "soft", "5.7.1")),
    "Exchange: no such recipient": (
        standard("5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound", returned="message/rfc822"),
        ("bounced", "hard", "5.1.10"),
    ),
    "Exchange: restricted": (standard("5.7.133", "550 5.7.133 not allowed"), ("bounced", "soft", "5.7.133")),
    "Yahoo: disabled": (standard("5.2.1", "554 delivery error: dd mailbox disabled"), ("bounced", "hard", "5.2.1")),
    "a full mailbox": (standard("5.2.2", "552 5.2.2 over quota"), ("bounced", "soft", "5.2.2")),
    "given up after days": (standard("4.4.1", "", action="failed"), ("bounced", "soft", "4.4.1")),
    "the sender's address is refused": (standard("5.1.8", "550 5.1.8 bad sender"), ("bounced", "soft", "5.1.8")),
    "Sendmail: vague status, clear words": (standard("5.0.0", "550 5.1.1 unknown"), ("bounced", "hard", "5.1.1")),
    "vague status, clear words without a status": (
        standard("5.0.0", "550 User unknown"),
        ("bounced", "hard", "5.0.0"),
    ),
    "vague altogether": (standard("5.0.0", "550 rejected"), ("bounced", "soft", "5.0.0")),
    "a status with a comment": (standard("5.1.1 (bad destination)", ""), ("bounced", "hard", "5.1.1")),
    "upper case": (standard("5.1.1", "", action="FAILED"), ("bounced", "hard", "5.1.1")),
    "delayed": (standard("4.4.7", "", action="delayed"), ("deferred", "", "4.4.7")),
    "delivered": (standard("2.0.0", "", action="delivered"), ("delivered", "", "2.0.0")),
    "relayed": (standard("2.0.0", "", action="relayed"), ("delivered", "", "2.0.0")),
    "complaint": (COMPLAINT, ("complained", "", "")),
    "qmail": (words(QMAIL), ("bounced", "hard", "5.1.1")),
    "Exim in words": (
        words(EXIM, more="X-Failed-Recipients: person0@people.example\nAuto-Submitted: auto-replied\n"),
        ("bounced", "hard", ""),
    ),
    "full, in words": (words(FULL), ("bounced", "soft", "5.2.2")),
    "for now, in words": (words("Will be retried: 451 4.3.0 try later"), ("deferred", "", "4.3.0")),
    "on holiday": (
        words("I am away until 5.1.1", sender="person0@people.example", more="Auto-Submitted: auto-replied\n"),
        None,
    ),
    "a person's reply": (words("550 thanks!", sender="person0@people.example"), None),
    "a daemon with nothing to say": (words("Hello."), None),
    "broken off": (standard("5.1.1", "550 no")[:600], None),
    "not MIME at all": ("\0\0\0", None),
    "empty": ("", None),
}
