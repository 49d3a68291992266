"""Spam: SpamAssassin's score, if it runs on this machine; only a hint, as every filter differs.

`spamc` asks a running spamd (half a second); without one, `spamassassin` itself is asked in a deep check (5 seconds).
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from shutil import which

from newsletters.checks.finding import Code, Finding, Subject
from newsletters.merge.merge import References, plan_merge
from newsletters.merge.message import build_message

POINTS = Code(
    "spam-points", "hint", "SpamAssassin gives it points",
    why="Such filters reject mail at 5 points, and others look at the same things.",
    fix="Look at each rule that it names, the most points first.",
)  # fmt: skip

TELL_FROM = 2.0  # points
TIMEOUT = 40  # seconds

_RULE = re.compile(r"^[ \t]*(\d+\.\d)[ \t]+([A-Z][A-Z0-9_]+)[ \t]+(\S.*)$", re.MULTILINE)
# These are about how a mail arrived, and this one has not been sent yet.
_NOT_SENT_YET = frozenset({"NO_RELAYS", "NO_RECEIVED", "ALL_TRUSTED", "UNPARSEABLE_RELAY", "NO_DNS_FOR_FROM"})
_HOST = "https://newsletter.invalid"


def check(subject: Subject) -> Iterator[Finding]:
    """Yield a finding if SpamAssassin is installed and gives the mail points."""
    report = _report(_mail(subject), deep=subject.deep)
    rules = [(float(points), name, words) for points, name, words in _RULE.findall(report) if name not in _NOT_SENT_YET]
    total = sum(points for points, _, _ in rules)
    if total >= TELL_FROM:
        reasons = "; ".join(
            f"{name} ({points}: {words.strip()})" for points, name, words in sorted(rules, reverse=True) if points
        )
        yield POINTS.at(subject.document.file, f"SpamAssassin gives {total:.1f} points: {reasons}.")


def _report(mail: bytes, *, deep: bool) -> str:
    """Return SpamAssassin's report; empty if it is not installed or does not answer."""
    if (client := which("spamc")) and (report := _asked([client, "-x", "-R", "--connect-retries=1"], mail)):
        return report
    program = which("spamassassin") if deep else None
    # Only local rules: nobody else is asked about a mail that has not been sent.
    return _asked([program, "--local", "--test-mode"], mail) if program else ""


def _asked(command: list[str], mail: bytes) -> str:
    try:
        run = subprocess.run(command, input=mail, capture_output=True, timeout=TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    report = run.stdout.decode("utf-8", "replace")
    return report[report.find("Content analysis details") :] if "Content analysis details" in report else ""


def _mail(subject: Subject) -> bytes:
    """Return the newsletter as a member without any values would get it."""
    email = subject.email
    plan = plan_merge(email, References(
        link=lambda link: link.url, image=lambda image: f"{_HOST}/i/{image.file_name}",
        unsubscribe=f"{_HOST}/u/0", view=f"{_HOST}/v/0", preferences=f"{_HOST}/preferences/0", public=_HOST,
    ))  # fmt: skip
    headers = {
        "Date": format_datetime(datetime.now(UTC)), "Message-ID": f"<{email.hash[:32]}@newsletter.invalid>",
        "List-Unsubscribe": f"<{_HOST}/u/0>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }  # fmt: skip
    sender = email.from_address or f"Newsletter <newsletter@{_HOST.removeprefix('https://')}>"
    message = build_message(plan.render({}), sender=sender, to="member@newsletter.invalid", headers=headers)
    return message.as_bytes()
