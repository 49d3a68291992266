"""The report as Parquet, for analysts' programs: the rows and columns of the CSV, each with its type."""

from __future__ import annotations

from io import BytesIO

from daisychain.errors import StateError
from reports.document.exports import CSV_COLUMNS, table_rows
from reports.report import Report

_WHOLE = ("rule_set", "campaign_id", "numerator", "denominator", "link", "within_seconds")
_SHARES = ("rate", "rate_low", "rate_high", "wide_low", "wide_high")


def as_parquet(report: Report) -> bytes:
    """Return all figures as Parquet; raises StateError if what writes it is not installed."""
    try:
        import pyarrow  # noqa: F401 - pandas writes by it
    except ImportError:
        raise StateError(
            "Parquet needs a library that is not installed.", hint="Install it: pip install 'daisychain[parquet]'"
        ) from None
    import pandas as pd

    frame = pd.DataFrame(table_rows(report), columns=list(CSV_COLUMNS))
    text = [column for column in CSV_COLUMNS if column not in (*_WHOLE, *_SHARES, "as_of")]
    frame = frame.astype(dict.fromkeys(_WHOLE, "Int64") | dict.fromkeys(_SHARES, "Float64"))
    frame = frame.astype(dict.fromkeys(text, "string"))
    frame["as_of"] = pd.to_datetime(frame["as_of"], utc=True)
    file = BytesIO()
    frame.to_parquet(file, engine="pyarrow", index=False)
    return file.getvalue()
