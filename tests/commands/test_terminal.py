"""What people see in a terminal of 80 columns: whole lines, whole codes, and not too many of them."""

from __future__ import annotations

import fcntl
import os
import pty
import shutil
import struct
import subprocess
import sys
import termios
from pathlib import Path

from click import unstyle

from newsletters.checks import codes
from tests.command import ROOT, Daisychain, environment
from tests.newsletters.sample_toolkits import picture

DOCUMENTS = Path(__file__).parent.parent / "newsletters" / "checks" / "twenty"


def seen(daisychain: Daisychain, *arguments: str) -> list[str]:
    """The lines of a command in a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    own = {name: value for name, value in os.environ.items() if not name.startswith(("DAISYCHAIN", "COLUMNS"))}
    command = subprocess.Popen(
        [sys.executable, "-m", "daisychain", *arguments], cwd=daisychain.folder, stdin=theirs, stdout=theirs,
        stderr=subprocess.STDOUT, env={**own, "PYTHONPATH": str(ROOT), **environment(daisychain.settings)},
    )  # fmt: skip
    os.close(theirs)
    written = b""
    try:
        while chunk := os.read(ours, 65_536):
            written += chunk
    except OSError:  # how Linux says that the other end has closed
        pass
    os.close(ours)
    assert command.wait() == 0, written
    return unstyle(written.decode()).replace("\r\n", "\n").splitlines()


def test_thirteen_warnings_take_no_more_than_sixty_lines(daisychain: Daisychain) -> None:
    shutil.copytree(DOCUMENTS, daisychain.folder, dirs_exist_ok=True)
    (daisychain.folder / "kit/images").mkdir()
    (daisychain.folder / "kit/images/tent.png").write_bytes(picture(1072, 700))
    told = seen(daisychain, "newsletter", "check", "thirteen.md")
    assert "13 warnings." in told
    assert len(told) <= 60
    assert all(len(line) <= 80 or " " not in line.strip() for line in told)
    named = [line.split(": ")[1].split(" (")[0] for line in told if line.startswith("warning: ")]
    assert len(named) == len(set(named))
    assert set(named) <= set(codes())


def test_a_toolkit_s_blocks_can_be_copied_by_their_names(daisychain: Daisychain) -> None:
    told = seen(daisychain, "toolkit", "show", "community-makes-us")
    assert all(len(line) <= 80 for line in told)
    words = {word for line in told for word in line.split()}
    assert {"manifesto-short", "social-strange-time", "https://connectioncoalition.example/join"} <= words
