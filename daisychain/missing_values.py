"""Words that spreadsheets and other tools write for a missing value."""

# No value, or a formula's error. In these spellings only: Null and Na are surnames.
MISSING = frozenset({
    "NULL", "null", "(null)", "(NULL)", "<null>", "<NULL>", "[null]", "[NULL]", "\\N", "N/A", "n/a", "N/a", "NaN",
    "nan", "undefined", "#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!",
    "#ERROR!",
})  # fmt: skip
# What people type for the same.
DASHES = frozenset({"-", "--", "–", "—", "---", ".", "..", "...", "?", "_", "n.a.", "N.A.", "(blank)", "(empty)"})
