"""How an account at SendGrid is set up, as its API tells it; each thing only to a key that has the scope for it."""

from __future__ import annotations

from typing import Any

# Longest first: the first path that fits says which scope is wanted.
WANTED = {
    "/v3/whitelabel/domains": "whitelabel.read",
    "/v3/whitelabel/links": "whitelabel.read",
    "/v3/verified_senders": "",  # no scope for it is documented
    "/v3/user/webhooks/event/settings/all": "user.webhooks.event.settings.read",
    "/v3/user/credits": "user.credits.read",
}
EVENTS = (
    "group_resubscribe", "delivered", "group_unsubscribe", "spam_report", "bounce", "deferred", "unsubscribe",
    "processed", "open", "click", "dropped",
)  # fmt: skip


def domain(name: str, **changes: Any) -> dict[str, Any]:
    """An authenticated domain."""
    hosts = {
        "mail_cname": (f"em1234.{name}", "u1.wl1.sendgrid.net"),
        "dkim1": (f"s1._domainkey.{name}", "s1.domainkey.u1.wl1.sendgrid.net"),
        "dkim2": (f"s2._domainkey.{name}", "s2.domainkey.u1.wl1.sendgrid.net"),
    }
    return _branded(name, hosts, changes)


def link(name: str, **changes: Any) -> dict[str, Any]:
    """A branded link."""
    return _branded(
        name, {"domain_cname": (f"url1.{name}", "sendgrid.net"), "owner_cname": (f"1.{name}", "sendgrid.net")}, changes
    )


def _branded(name: str, hosts: dict[str, tuple[str, str]], changes: dict[str, Any]) -> dict[str, Any]:
    valid = changes.get("valid", True)
    records = {
        key: {"valid": valid, "type": "cname", "host": host, "data": data} for key, (host, data) in hosts.items()
    }
    common = {"id": 1, "user_id": 1, "subdomain": "em1234", "username": "", "default": True, "legacy": False}
    return {**common, "domain": name, "valid": valid, "dns": records, **changes}


def webhook(url: str, public_key: str, **changes: Any) -> dict[str, Any]:
    """An Event Webhook that tells everything; without a key it is not signed, and none is named."""
    key = {"public_key": public_key} if public_key else {}
    return {
        "id": "77d4a5da",
        "enabled": True,
        "url": url,
        "friendly_name": "",
        **dict.fromkeys(EVENTS, True),
        **key,
        **changes,
    }


class Account:
    """What the account says when asked; a test changes it as it likes."""

    def __init__(self) -> None:
        self.domains: list[dict[str, Any]] = []
        self.links: list[dict[str, Any]] = []
        self.senders: list[dict[str, Any]] = []
        self.webhooks: list[dict[str, Any]] = []
        self.credits: dict[str, Any] = {
            "remain": 99_000, "total": 100_000, "overage": 0, "used": 1_000, "last_reset": "2026-11-01",
            "next_reset": "2026-12-01", "reset_frequency": "monthly",
        }  # fmt: skip

    def answer(self, path: str, query: dict[str, str]) -> Any:
        """What is at that path; raises KeyError for what the account does not have."""
        if path == "/v3/whitelabel/domains":
            return [each for each in self.domains if query.get("domain", "") in each["domain"]]
        return {
            "/v3/whitelabel/links": self.links,
            "/v3/verified_senders": {"results": self.senders},
            # It was documented to answer an empty object where there is none.
            "/v3/user/webhooks/event/settings/all": {"max_allowed": 5, "webhooks": self.webhooks or [{}]},
            "/v3/user/credits": self.credits,
        }[path]
