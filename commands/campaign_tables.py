"""What the commands about campaigns show to people: the summary before a send, the ledger, and one person's story."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from commands.console import say, show_line, show_table
from daisychain.clock import shown

if TYPE_CHECKING:
    from sender.campaigns.waiting_reason import Wait
    from sender.delivery.ledger import Ledger


def show_summary(summary: Any) -> None:
    """What is about to happen, to the person at the terminal (stderr)."""
    row = summary.campaign
    tracking = ", ".join(f"{name} {row[name]}" for name in ("opens", "clicks"))
    decided = (
        f" (decided by {row['tracking_decided_by']}: {row['tracking_because']})" if row["tracking_decided_by"] else ""
    )
    for name, value in {
        "Campaign": f"{row['id']} {row['name']}",
        "From": f"{row['from_name']} <{row['from_address']}>",
        "Reply-To": row["reply_to"] or "the same",
        "List": f"{row['list']}: {summary.people:,} people, {summary.excluded:,} excluded",
        "Provider": row["provider"],
        "Tracking": tracking + decided,
        "Links to": row["public_url"],
        **dict(_sample_lines(summary)),
    }.items():
        say(f"  {name:<13}{value}")
    for line in override_lines(summary.overrides):
        say(f"  {'Overridden':<13}{line}")


def _sample_lines(summary: Any) -> Iterator[tuple[str, str]]:
    """How it reads for somebody; in several languages a line for each."""
    if len(summary.samples) == 1:
        yield "Subject", summary.samples[0].subject
        yield "For instance", summary.samples[0].address or "nobody"
        return
    for sample in summary.samples:
        others = ", with all whose language is not here" if sample.language == summary.fallback else ""
        instance = f" (for instance {sample.address})" if sample.address else ""
        yield f"In {sample.language}", f"{sample.people:,} people{others}: {sample.subject}{instance}"


def override_lines(overrides: list[dict[str, Any]]) -> Iterator[str]:
    """Errors of the checks that stand in a campaign, a line each."""
    for each in overrides:
        yield f"{each['code']} ({len(each['findings'])} found), by {each['who']}: {each['because']}"


def show_status(answer: dict[str, Any]) -> None:
    """The ledger as people read it: the parts, the sum, and what to do next."""
    ledger = answer["ledger"]
    state = answer["state"] + (f" ({answer['pause_reason']})" if answer["pause_reason"] else "")
    show_line(f"Campaign {answer['id']} {answer['name']}: {state}")
    rows: list[tuple[str, int, str]] = []
    for name in ("waiting", "excluded", "accepted", "failed", "uncertain"):
        reasons = answer.get(name) or {}
        note = ", ".join(f"{count:,} {reason}" for reason, count in sorted(reasons.items()))
        if name == "waiting" and ledger["in_flight"]:
            note = f"{ledger['in_flight']:,} in flight"
        rows.append((name, ledger[name], note))
    total = sum(row[1] for row in rows)
    verdict = "balances" if answer["balances"] else f"DOES NOT BALANCE: {ledger['intended']:,} were frozen"
    show_table(("", "people", ""), [*rows, ("= intended", total, verdict)])
    if any(part["intended"] for part in answer["languages"].values()):
        columns = ("intended", "waiting", "excluded", "accepted", "failed", "uncertain")
        parts = answer["languages"].items()
        show_table(("language", *columns), ([language, *(part[name] for name in columns)] for language, part in parts))
    if ledger["uncertain"]:
        show_line(
            f"{ledger['uncertain']:,} people may or may not have got it. When you know, or have waited for events:\n"
            f"daisychain campaign resolve {answer['id']} --send-again|--count-as-accepted --because WHY"
        )
    if answer["state"] == "paused":
        show_line(f"When the reason is mended: daisychain campaign send {answer['id']}")
    if answer["wait"]:
        show_line(f"{answer['wait']['words']}.")
    for line in override_lines(answer["overrides"]):
        show_line(f"Overridden: {line}")
    for line in plan_lines(answer["plan"]):
        show_line(line)


def plan_lines(plan: dict[str, Any]) -> Iterator[str]:
    """What a plan still holds back, a line each."""
    if plan["begins_at"]:
        yield f"It begins at {shown(plan['begins_at'])}; until then: daisychain campaign cancel"
    if plan["canary_until"]:
        yield f"The canary is watched until {shown(plan['canary_until'])}; then the rest follows."
    elif plan["canary_out"]:
        yield "The canary goes first; the rest waits for it."
    if plan["held"]:
        yield f"{plan['held']:,} batches are held back by its plan."


def watch_ledger(bar: Any) -> Callable[[Ledger, Wait | None], None]:
    """What moves a progress bar along with a ledger, and says what is waited for; where there is no bar, in a line."""
    task = bar.add_task("Sending", total=None)
    said = ""

    def watch(ledger: Ledger, wait: Wait | None) -> None:
        nonlocal said
        total = ledger.intended - ledger.excluded
        words = wait.words if wait else ""
        bar.update(task, total=total, completed=total - ledger.waiting, description=words or "Sending")
        if bar.disable and words not in ("", said):
            say(f"{words}.")
        said = words

    return watch


def show_story(answer: dict[str, Any]) -> None:
    """One person's story as people read it: how it stands, then each thing in its order."""
    reason = f" ({answer['reason']})" if answer["reason"] else ""
    show_line(f"{answer['address']} in campaign {answer['campaign']}: {answer['state']}{reason}")
    rows = [[shown(each["at"], seconds=True), each["what"], each["words"]] for each in answer["story"]]
    show_table(("when", "what", ""), rows)
