"""SendGrid's log and suppression lists, strict about queries."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from tests.fakes.sendgrid_mail import Mail

LISTS = ("bounces", "blocks", "invalid_emails", "spam_reports", "unsubscribes")
MAX_PAGE = 500

_CONDITION = re.compile(
    r"""(?:(?P<text>sg_message_id|subject|to_email|reason)\s*=\s*'(?P<value>[^'\\]*)'
      | (?P<set>status|categories)\s+IN\s+\((?P<values>\s*'[^'\\]*'(?:\s*,\s*'[^'\\]*')*\s*)\)
      | sg_message_id_created_at\s*(?P<operator>>=|<=|>|<)\s*TIMESTAMP\s+"(?P<time>[^"]+)")""",
    re.VERBOSE,
)


def search(mails: Iterable[Mail], query: str, limit: int) -> list[dict[str, Any]]:
    """Search the mails as the log does; raises ValueError for an invalid query."""
    if not 1 <= limit <= 1000:
        raise ValueError("limit")
    tests = [_condition(part.strip()) for part in query.split(" AND ")]
    return [summary(mail) for mail in mails if all(test(mail) for test in tests)][:limit]


def _condition(text: str) -> Any:
    found = _CONDITION.fullmatch(text)
    if not found:
        raise ValueError(f"not understood: {text}")
    if found["text"]:
        return lambda mail: summary(mail).get(found["text"]) == found["value"]
    if found["set"]:
        wanted = set(re.findall(r"'([^']*)'", found["values"]))
        return lambda mail: bool(wanted & {"processed", *mail.categories})
    at, operator = datetime.fromisoformat(found["time"]).timestamp(), found["operator"]
    # The log counts whole seconds.
    compare = {">": int.__gt__, "<": int.__lt__, ">=": int.__ge__, "<=": int.__le__}[operator]
    return lambda mail: compare(int(mail.taken_at), int(at))


def summary(mail: Mail) -> dict[str, Any]:
    """Return a mail as search results list it, without custom arguments."""
    return {
        "from_email": mail.body["from"]["email"],
        "sg_message_id": mail.sg_message_id,
        "subject": mail.subject,
        "to_email": mail.address,
        "status": "processed",
        "sg_message_id_created_at": datetime.fromtimestamp(mail.taken_at, UTC).isoformat(),
    }


def entry(mail: Mail) -> dict[str, Any]:
    """Return a mail's own entry, with its custom arguments."""
    return {
        **{name: value for name, value in summary(mail).items() if name != "sg_message_id_created_at"},
        "api_key_id": "key", "client_ip": "203.0.113.9", "category": mail.categories,
        "custom_args": mail.custom_args, "events": [],
    }  # fmt: skip


def page(entries: Sequence[dict[str, Any]], query: dict[str, str]) -> list[dict[str, Any]]:
    """Return one page of a suppression list; raises ValueError if the page is too large."""
    start, end = int(query.get("start_time", 0)), int(query.get("end_time", 2**40))
    limit, offset = int(query.get("limit", MAX_PAGE)), int(query.get("offset", 0))
    if not 1 <= limit <= MAX_PAGE:
        raise ValueError("limit")
    return [each for each in entries if start <= each["created"] <= end][offset : offset + limit]
