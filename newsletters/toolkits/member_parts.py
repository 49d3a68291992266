"""The parts of a toolkit's emails that a member organisation may change, as toolkit.yml says them.

intro       a paragraph of its own, after the opening
button      where the main button leads
stories     leave stories out
"""

from __future__ import annotations

from newsletters.documents.yaml_with_lines import YamlMapping

CHANGEABLE = "members may change"
PARTS = ("intro", "button", "stories")
USUAL = ("intro",)  # of a toolkit that does not say
_NONE = "nothing"


def read_parts(sheet: YamlMapping) -> tuple[str, ...]:
    """Return the parts that a toolkit's members may change; raises InputError."""
    if CHANGEABLE not in sheet:
        return USUAL
    words = sheet.words(CHANGEABLE, (*PARTS, _NONE))
    if _NONE in words and len(words) > 1:
        sheet.fail(f"{CHANGEABLE!r} says {_NONE!r}, and more.", CHANGEABLE, hint=f"Known: {', '.join(PARTS)}.")
    return tuple(word for word in words if word != _NONE)
