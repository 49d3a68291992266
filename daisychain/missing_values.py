"""Words that spreadsheets and other tools write for a missing value."""

# No value, or a formula's error. In these spellings only: Null and Na are surnames.
MISSING = frozenset({
    "NULL", "null", "(null)", "<null>", "N/A", "n/a", "#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!",
    "#NUM!", "#ERROR!",
})  # fmt: skip
# What people type for the same.
DASHES = frozenset({"-", "--", "–", "—"})
