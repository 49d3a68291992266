"""Every column of every table is either declared to hold data of people, so that it is shown and erased, or it is not.

Whoever adds a column decides: into a room's list of what it holds (`…_holds.py`), or into the list here.
"""

from __future__ import annotations

import pytest
from sqlalchemy import text

from daisychain.database import Database
from daisychain.operations.person_data import HOLDS, WORDS
from tests.command import ROOT

# Numbers, times, states and what colleagues do in their work. Accounts are of colleagues, who are no members; hashes of
# networks and tokens tell nobody who it was.
NOT_OF_PEOPLE = {
    "account_links": "id token_hash kind email role made_by made_at ends_at",
    "account_sessions": "id token_hash account_id complete started_at seen_at proved_at network browser",
    "accounts": "id email name role password_hash totp_secret totp_step made_by made_at",
    "alerts": "id cause subject words since over_at told_at due_at tries problem",
    "attempts":
        "id batch_id campaign_id sender_id people accepted refused started_at ended_at outcome status detail "
        "message_id settled_by settled_because settled_at looked_up_at look_up",
    "audit": "id at who role network right action object outcome details",
    "batches": "id campaign_id compiled_id first_id last_id state sender_id attempt_id not_before tries held",
    "campaign_approvals":
        "id campaign_id asked_by asked_by_id asked_at answer answered_by answered_by_id answered_at because "
        "content people",
    "campaign_decisions": "id campaign_id at what who people",
    "campaign_emails": "campaign_id language compiled_id source",
    "campaign_intake":
        "campaign_id events newest_at classified_to classified_at seconds rule_set earlier_rule_set "
        "rules_changed_at summed_at",
    "campaign_overrides": "campaign_id code at who",
    "campaigns":
        "id kind name state pause_reason list_id document source compiled_id provider from_name from_address "
        "reply_to opens clicks tracking tracking_decided_by tracking_because public_url list_header created_at "
        "frozen_at finished_at intended first_delivery last_delivery of_campaign_id of_whom segment_people "
        "correction not_in_archive one_key warnings starts_at per_minute opens_at closes_at zone canary "
        "canary_wait canary_until rest_from most_bounces most_complaints resumed_at emptied_at",
    "chores": "name due_at ended_at since result failures",
    "compiled_emails": "id hash content created_at",
    "complaints": "id added_by acknowledged_by closed_by",
    "confirmed_places": "fingerprint words confirmed_at confirmed_by timeline withdrawn_because",
    "consent_events": "member_id id list_id terms_id at recorded_at purpose kind",
    "consent_terms": "id basis wording_id source collected_by import_id by",
    "consent_wordings": "id list_id source language version text hash created_at",
    "deliveries": "id campaign_id kind compiled_id attempt_id per_person",
    "delivery_rollups":
        "delivery_id campaign_id delivered_at dropped_at hard_bounced_at soft_bounced_at machine_opens "
        "unknown_opens facts new_facts",
    "early_people": "delivery_id campaign_id",
    "erasures": "id member_id address_hash at by counts lifted_at",
    "events":
        "id natural_key source received_at body_id delivery_id campaign_id attempt_id link bounce open_class rules",
    "examinations": "id asked_at ended_at findings",
    "facts_rollups": "campaign_id compiled_id facts people",
    "flagged": "id kind reference reason found_at",
    "hand_out_mails": "delivery_id hand_out_id organisation_id contact_id",
    "hand_outs":
        "id kind toolkit newsletter choice language sender subject message made_by made_at sent_at campaign_id",
    "hour_rollups": "campaign_id hour fact events",
    "images": "hash media_type width height content name",
    "import_changes": "import_id member_id what",
    "import_drafts": "id list_id upload_id refused_id import_id file by state choices tries doing done size moved_at",
    "imports": "id list_id at by counts undone_at undone_by",
    "leaving_reasons": "list_id day reason people",
    "ledger_moves": "id campaign_id compiled_id state reason people",
    "link_clickers": "delivery_id link",
    "link_rollups": "campaign_id compiled_id link clicks clickers machine_clicks",
    "list_figures": "list_id name counted_at asked_at",
    "lists":
        "id name title from_name from_address reply_to tracking opens clicks decided_by also_named dimensions "
        "decided_at archive archive_indexed created_at",
    "made_packs":
        "key newsletter title edition toolkit coalition partner dialect expires copy_blocks sheets made_at "
        "withdrawn_at withdrawn_why",
    "mailbox_rollups": "campaign_id mailbox fact people events",
    "mailed_packs": "token_hash organisation_id name content made_at",
    "member_changes": "id member_id",
    "members": "id",
    "memberships": "list_id member_id state basis consented_at joined_at left_at left_how reads_agreed paused_until",
    "newsletter_saves": "id newsletter_id version kind content by note since at undone_to",
    "newsletter_thumbnails": "newsletter_id version content",
    "newsletters": "id name title version updated_at updated_by deleted_at",
    "offer_pictures": "toolkit newsletter state content",
    "offered_newsletters": "toolkit name title source offered_at",
    "organisation_contacts": "id organisation_id",
    "organisation_profiles":
        "organisation_id website address charity_number colour tool languages region logo logo_white logo_square "
        "link_number version updated_at updated_by",
    "organisations": "id code name created_at",
    "pack_partners": "code name given_at",
    "partner_events": "id organisation_id toolkit newsletter kind tool language detail times day at",
    "reader_groups": "id campaign_id compiled_id mailbox domain dimensions people",
    "recovery_codes": "account_id code_hash",
    "report_breakdowns": "campaign_id state content counted_at",
    "report_charts": "key campaign_id content drawn_at",
    "report_links": "id campaign_id made_by made_at expires_at revoked_at revoked_by uses used_at",
    "report_mails": "id campaign_id hours asked_by asked_at state ended_at problem",
    "report_notes": "id campaign_id day written_by written_at",
    "restorations": "id list_id",
    "retried_deliveries": "decision_id delivery_id attempt_id",
    "secret_keys": "id fingerprint host since",
    "segments": "id name list_id created_at created_by changed_at",
    "senders": "id host pid started_at ended_at lacks",
    "sign_up_forms": "list_id is_open who toolkits welcome changed_at changed_by",
    "sign_up_wordings": "id list_id language version text hash created_at created_by",
    "sign_ups":
        "id list_id wording_id token_hash asked_at used_at confirmed_at outcome decided_at decided_by "
        "organisation_id",
    "system_mails": "id tries problem from_name from_address reply_to language due_at ended_at",
    "told_changes": "organisation_id change delivery_id",
    "toolkit_contents": "hash content",
    "toolkit_drafts": "name version content_hash based_on changed writers approved updated_at updated_by",
    "toolkit_files": "toolkit path content",
    "toolkit_versions": "id toolkit version kind files by note at",
    "toolkits": "name title content_hash added_at",
    "try_counters": "subject_hash since tries",
    "upload_slices": "upload_id number",
    "uploads": "id size mark by keep_until",
    "warm_ups": "domain started_at started_by",
    "webhook_bodies": "id provider received_at processed_at body digest",
}  # fmt: skip


def declared() -> dict[str, set[str]]:
    """The columns that rooms say hold data of people, or words that may name somebody."""
    found: dict[str, set[str]] = {}
    for table, columns in [*((each.table, each.personal) for each in HOLDS), *WORDS.items()]:
        found.setdefault(table, set()).update(columns.split())
    return found


def test_every_column_is_classed_once(database: Database) -> None:
    columns = text("""
        SELECT table_name, column_name FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name NOT LIKE 'procrastinate%' AND table_name <> 'alembic_version'
    """)
    with database.engine.connect() as connection:
        there = {tuple(row) for row in connection.execute(columns)}
    of_people = {(table, name) for table, names in declared().items() for name in names}
    others = {(table, name) for table, names in NOT_OF_PEOPLE.items() for name in names.split()}
    assert there - of_people - others == set(), "new columns: do they hold data of people?"
    assert (of_people | others) - there == set(), "columns that are gone"
    assert of_people & others == set()


def test_jobs_hold_numbers_and_names_of_chores_only() -> None:
    deferred = [
        line.strip()
        for folder in ("lists", "sender", "partners", "reports", "newsletters", "desk", "daisychain")
        for path in (ROOT / folder).rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if "defer(connection" in line and ("address" in line or "email" in line)
    ]
    assert deferred == []


@pytest.mark.parametrize("held", HOLDS, ids=lambda held: held.table)
def test_the_record_of_processing_names_everything_that_is_held(held: object) -> None:
    page = (ROOT / "docs/privacy.md").read_text(encoding="utf-8")
    assert f"`{held.table}`" in page  # type: ignore[attr-defined]
