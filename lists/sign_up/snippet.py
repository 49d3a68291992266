"""The sign-up form as HTML to embed in another site: no script, no style sheet, nothing that is loaded or counted."""

from __future__ import annotations

from html import escape

from daisychain.text_direction import direction_of
from lists.sign_up.sign_up_form import ListForm, form_url

# Only for the field that nobody is to see: everything else looks as the site does.
_HIDDEN = "position:absolute;left:-200vw"


def embedded_form(form: ListForm, public_url: str, *, language: str = "en", partner: str = "") -> str:
    """Return the form in a language, with the number of the wording that it shows, and the partner's code."""
    wording = form.wording(language)
    words = {key: escape(value) for key, value in form.phrases(wording.language).words.items()}
    hidden = {"wording": str(wording.id), "language": wording.language, "partner": partner}
    optional = f"({words['optional']})"
    organisation = [_field(words["organisation_name"], "organisation", "text", "organization", required=True)]
    return "\n".join([
        f'<form action="{escape(form_url(form, public_url))}" method="post" accept-charset="utf-8"'
        f' lang="{wording.language}" dir="{direction_of(wording.language)}">',
        *(organisation if form.for_organisations else []),
        _field(words["email"], "email", "email", "email", required=True),
        _field(f"{words['first_name']} {optional}", "first_name", "text", "given-name"),
        _field(f"{words['last_name']} {optional}", "last_name", "text", "family-name"),
        f'  <p aria-hidden="true" style="{_HIDDEN}"><label>{words["trap"]}'
        ' <input name="homepage" tabindex="-1" autocomplete="off"></label></p>',
        *(f'  <input type="hidden" name="{name}" value="{escape(value)}">' for name, value in hidden.items() if value),
        f"  <p>{words['you_agree']}<br>{escape(wording.text).replace(chr(10), '<br>')}</p>",
        f'  <p><button type="submit">{words["button"]}</button></p>',
        "</form>",
    ]) + "\n"  # fmt: skip


def _field(label: str, name: str, kind: str, complete: str, *, required: bool = False) -> str:
    field = f'<input type="{kind}" name="{name}" autocomplete="{complete}"{" required" if required else ""}>'
    return f"  <p><label>{label}<br>{field}</label></p>"
