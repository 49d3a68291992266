"""Reports: the figures of a campaign. For notebooks: `from reports import Reports`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reports.notebook import Reports

__all__ = ["Reports"]


def __getattr__(name: str) -> Any:
    """Load the notebook's class only when it is asked for: commands and pages do without it."""
    if name != "Reports":
        raise AttributeError(name)
    from reports.notebook import Reports

    return Reports
