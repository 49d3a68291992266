"""Write a hand-out: choose organisations, see at once how many that is, and write the message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, abort, redirect, request, url_for

from daisychain.errors import ConfigurationError, InputError
from desk.access import connection, note, person, right, settings
from desk.forms import Form
from newsletters.packs.dialects.dialect import dialects
from newsletters.packs.offers import offers
from newsletters.toolkit_store.store import list_toolkits, named_toolkit
from newsletters.toolkits.toolkit import current_day
from partners.hand_out import KeptHandOut, keep_hand_out, list_hand_outs
from partners.hand_out_message import Message, languages_of_messages, usual_message
from partners.hand_out_people import HandOutPeople, OrganisationChoice, codes_of, people_of
from partners.organisation_list import choices
from partners.profiles import profiles
from sender.system_mail.mail_queue import system_sender

blueprint = Blueprint("write_hand_out", __name__, url_prefix="/partners/hand-out")
CHOICE = ("toolkit", "email", "tool", "language", "region", "not_taken", "named")
WRITTEN = ("subject", "message", "in_language", "sender")


@blueprint.get("")
@right("partners.manage")
def ask() -> Any:
    """Show who would get it, by the choice in the address, and the form of the message."""
    return _page(Form(), {name: request.args.get(name, "").strip() for name in CHOICE})


@blueprint.post("")
@right("partners.manage")
def keep() -> Any:
    """Keep the message as a draft, and lead to its examples."""
    form = Form(*CHOICE, *WRITTEN)
    kept = keep_typed(form)
    if kept is None:
        return _page(form, form.values)
    note(f"hand-out {kept.id}", toolkit=kept.toolkit, choice=kept.choice.text)
    return redirect(url_for("look_hand_out.look", hand_out_id=kept.id))


def keep_typed(form: Form, draft: KeptHandOut | None = None) -> KeptHandOut | None:
    """Keep what was typed, in place of a draft if there is one; None if something is wrong with it."""
    with form.check("message"):
        choice = draft.choice if draft else _choice(form.values)
        toolkit, email = (draft.toolkit, draft.newsletter) if draft else (form["toolkit"], form["email"])
        message = Message(
            toolkit, form["subject"], form["message"], form["sender"], email, form["in_language"],
            lists_changes=draft is not None and draft.kind == "changes",
        )  # fmt: skip
        try:
            return keep_hand_out(
                connection(), message, choice, who=person().name, hand_out_id=draft.id if draft else None
            )
        except InputError as error:
            line = f"Line {error.line}: " if error.line else ""
            raise InputError(f"{line}{error.message}", hint=error.hint) from None
    return None


def usual_sender() -> str:
    """Return the sender of system mail; empty if there is none yet."""
    try:
        return "{} <{}>".format(*system_sender(connection(), settings()))
    except ConfigurationError:
        return ""


def _choice(values: Mapping[str, str]) -> OrganisationChoice:
    names = tuple(name.strip() for name in values.get("named", "").split(",") if name.strip())
    return OrganisationChoice(
        tool=values.get("tool", ""), language=values.get("language", ""), region=values.get("region", ""),
        not_taken=bool(values.get("not_taken")), named=codes_of(connection(), current_day(), names),
    )  # fmt: skip


def _people(form: Form, toolkit: str, values: Mapping[str, str]) -> HandOutPeople | None:
    with form.check("named"):
        return people_of(connection(), current_day(), toolkit, values.get("email", ""), _choice(values))
    return None


def _page(form: Form, chosen: Mapping[str, str]) -> Any:
    toolkits = {each.name: each.title for each in list_toolkits(connection())}
    toolkit = chosen.get("toolkit") or next(iter(toolkits), "")
    if toolkit not in toolkits:
        abort(404)
    emails = {each.name: each.title for each in offers(connection(), named_toolkit(toolkit, connection()))
              if not each.first}  # fmt: skip
    known = profiles(connection())
    usual = usual_message(toolkits[toolkit], emails.get(chosen.get("email", ""), ""), person().name)
    form.values = usual | {"sender": usual_sender(), "in_language": "en"} | form.values
    form.values["named"] = chosen.get("named", "")
    people = _people(form, toolkit, chosen)
    return form.page(
        "desk/partners/write_hand_out.html", chosen={**chosen, "toolkit": toolkit}, toolkits=toolkits,
        emails=emails, people=people, tools=choices(known, "tool"), dialects=dialects(),
        languages=choices(known, "languages"), regions=choices(known, "region"), total=len(known),
        written_in=languages_of_messages(), earlier=list_hand_outs(connection()),
    )  # fmt: skip
