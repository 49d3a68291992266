"""`daisychain doctor`: check what is set up."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import click

from commands.console import answers, emit, show_table
from daisychain.installation import Installation

if TYPE_CHECKING:
    from sender.providers.sendgrid_setup import SetupFinding


@click.command()
@click.option("--domain", help="Also check the DNS of this sending domain, and print the records it needs.")
@click.option("--return-path", default="", help="The host for bounces, such as em1234.your-charity.org.")
@click.option("--links", default="", help="The host of tracked links at SendGrid, such as url1234.your-charity.org.")
@click.option("--selector", "selectors", multiple=True, help="A DKIM selector of your relay; not needed for SendGrid.")
@click.option("--resolver", default="", help="Ask this name server, such as 1.1.1.1, instead of the system's.")
@answers("doctor", "doctor --domain your-charity.org")
def doctor(
    installation: Installation, domain: str | None, return_path: str, links: str,
    selectors: tuple[str, ...], resolver: str, format_: str,
) -> None:  # fmt: skip
    """Check what is set up, what is missing, and how to fix it; exit code 1 if something is wrong."""
    from daisychain.operations.dns_records import Sending
    from daisychain.operations.doctor import examine_installation

    name = domain and domain.lower().rstrip(".")
    sending = Sending(name, selectors=selectors, return_path=return_path, links=links) if name else None
    found = list(examine_installation(installation, sending, resolver))
    emit([vars(item) for item in found], format_, lambda: show_findings(found))
    sys.exit(1 if any(item.state == "wrong" for item in found) else 0)


def show_findings(found: list[SetupFinding]) -> None:
    """Print what was found as a table."""
    # A DNS record contains spaces, and must not be wrapped.
    rows = [
        [item.subject, item.state, re.sub("^wanted: (.*)", r"wanted: `\1`", item.words, flags=re.M)] for item in found
    ]
    show_table(("", "", ""), rows)
