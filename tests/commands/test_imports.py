"""What commands import before they begin: no more than they need, as every import is waited for."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.command import ROOT

LARGE = {"pandas", "procrastinate", "granian", "alembic", "rich.console", "newsletters.compose.compiler"}

COMMANDS = [
    "commands.campaigns.ledger, sender.campaigns.status, sender.delivery.confirmed_places",
    "commands.lists, lists.overview, lists.lists",
    "commands.reports.report, reports.figures, reports.document.exports",
    "commands.newsletters.newsletter, commands.newsletters.toolkit, commands.newsletters.test_sends",
    "commands.partners.pack, commands.partners.partner, commands.doctor, commands.db, commands.serve",
    "commands.campaigns.campaign, commands.campaigns.steering, commands.events",
    "newsletters.packs.pack_status, newsletters.toolkit_store.store",
]
# What all commands import is imported once; then each has a process of its own.
SHOW = """
import os, sys, commands.main, daisychain.database
for modules in sys.argv[1:]:
    if not os.fork():
        exec(f"import {modules}")
        print(*sys.modules, flush=True)
        os._exit(0)
    assert os.wait()[1] == 0
"""


@pytest.mark.processes
def test_a_command_imports_nothing_large_that_it_does_not_use() -> None:
    done = subprocess.run([sys.executable, "-c", SHOW, *COMMANDS], cwd=ROOT, capture_output=True, text=True, check=True)
    for modules, imported in zip(COMMANDS, done.stdout.splitlines(), strict=True):
        assert not LARGE & set(imported.split()), modules
