"""Writes the golden files anew; look at the difference before it is committed.

python -m tests.newsletters.golden
"""

from __future__ import annotations

import sys

from tests.newsletters.golden.cases import CASES, HERE, outcome

for case in CASES:
    (HERE / f"{case}.txt").write_text(outcome(case), encoding="utf-8")
    sys.stdout.write(f"{case}\n")
