"""The setup of a SendGrid account as its API returns it, only to keys with the right scopes."""

from __future__ import annotations

from typing import Any

# The scope that each path needs.
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
    """Return an authenticated domain."""
    hosts = {
        "mail_cname": (f"em1234.{name}", "u1.wl1.sendgrid.net"),
        "dkim1": (f"s1._domainkey.{name}", "s1.domainkey.u1.wl1.sendgrid.net"),
        "dkim2": (f"s2._domainkey.{name}", "s2.domainkey.u1.wl1.sendgrid.net"),
    }
    return _branded(name, hosts, changes)


def link(name: str, **changes: Any) -> dict[str, Any]:
    """Return a branded link."""
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
    """Return an Event Webhook with all events on; without a key it is not signed, and the field is missing."""
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
    """The answers of the account; tests change its attributes."""

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
        """Return the answer for a path; raises KeyError if the account has none."""
        if path == "/v3/whitelabel/domains":
            return [each for each in self.domains if query.get("domain", "") in each["domain"]]
        return {
            "/v3/whitelabel/links": self.links,
            "/v3/verified_senders": {"results": self.senders},
            # Documented: an empty object if there is no webhook.
            "/v3/user/webhooks/event/settings/all": {"max_allowed": 5, "webhooks": self.webhooks or [{}]},
            "/v3/user/credits": self.credits,
        }[path]
