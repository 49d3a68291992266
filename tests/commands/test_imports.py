"""What commands import before they begin: no more than they need, as every import is waited for."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.command import ROOT

LARGE = {"pandas", "procrastinate", "granian", "alembic", "rich.console", "newsletters.compose.compiler"}


@pytest.mark.processes
@pytest.mark.parametrize(
    "modules",
    [
        "commands.campaigns.ledger, sender.campaigns.status, sender.delivery.confirmed_places",
        "commands.lists, lists.overview, lists.lists",
        "commands.reports.report, reports.figures, reports.document.exports",
        "commands.newsletters.newsletter, commands.newsletters.toolkit, commands.newsletters.test_sends",
        "commands.partners.pack, commands.partners.partner, commands.doctor, commands.db, commands.serve",
        "commands.campaigns.campaign, commands.campaigns.steering, commands.events",
        "newsletters.packs.pack_status, newsletters.toolkit_store.store",
    ],
)
def test_a_command_imports_nothing_large_that_it_does_not_use(modules: str) -> None:
    code = f"import sys, commands.main, daisychain.database, {modules}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not LARGE & set(done.stdout.split())
