"""`make audit` passes only if every pinned version was asked about and has no known vulnerability."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout that `make` finds installed, with a pip-audit that says what it was asked and ends as told."""
    for name in ("Makefile", "constraints.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    program = tmp_path / ".venv/audit/bin/pip-audit"
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\necho "asked: $*"\nexit $(cat ends)\n')
    program.chmod(0o755)
    (tmp_path / ".venv/ready").touch()
    (tmp_path / ".venv/audit/ready").touch()
    return tmp_path


@pytest.mark.skipif(not shutil.which("make"), reason="there is no make here")
@pytest.mark.parametrize("ends", [0, 1])
def test_it_passes_only_if_everything_was_asked_and_is_clean(checkout: Path, ends: int) -> None:
    (checkout / "ends").write_text(str(ends))
    run = subprocess.run(["make", "audit"], cwd=checkout, text=True, capture_output=True, check=False)
    [asked] = re.findall(r"^asked: (.*)", run.stdout, re.MULTILINE)
    # Without --strict it passes over what it could not ask about.
    assert {"--strict", "--requirement", "constraints.txt"} <= set(asked.split())
    assert (run.returncode != 0) == bool(ends)
    assert ("pypi.org could not be asked" in run.stderr) == bool(ends)


def test_every_pin_is_an_exact_version_so_that_it_can_be_asked_about() -> None:
    pins = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert not [line for line in pins if not re.fullmatch(r"[A-Za-z0-9_.-]+==[^=\s*]+", line)]
    assert "pip-audit" in {line.partition("==")[0].replace("_", "-") for line in pins}
