"""A report at the desk: charts with their tables, files in each format, and no address or small cell for analysts."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator

import pandas as pd
import pypdf
import pytest
from playwright.sync_api import Browser as Chromium
from sqlalchemy import select

from daisychain.database import Database
from newsletters.browser import axe, browser
from reports.document.due_charts import draw_due
from reports.document.file_formats import FORMATS
from reports.document.html_report import html_report
from reports.handed_on.report_links import links_of, make_link
from reports.tables import KeptChart
from reports.whole_report import whole_report
from tests.desk.chromium import served
from tests.desk.staff import Browser
from tests.public_pages import public_app
from tests.reports.campaigns import over_days
from tests.reports.document.test_file_formats import missing_rows
from tests.sender.returns import Sent, sent

As = Callable[[str], Browser]
CHARTS = ("curve", "mailboxes", "links", "ledger")


@pytest.fixture
def campaign(database: Database) -> Sent:
    return over_days(database, people=(40, 30, 3))


@pytest.fixture
def no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "chromium", lambda: "")


def test_a_report_shows_charts_with_their_tables_and_offers_every_format(campaign: Sent, as_role: As) -> None:
    analyst = as_role("analyst")
    page = analyst.get(f"/desk/reports/{campaign.campaign_id}").text
    shown = re.findall(r'src="([^"]+/charts/wide/(\w+)\.svg)"', page)
    assert {name for _, name in shown} == set(CHARTS)
    for path, _ in shown:
        chart = analyst.get(path)
        assert chart.mimetype == "image/svg+xml"
        assert chart.headers["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert page.count("The same as numbers") == 3
    assert not missing_rows(page, whole_report(campaign.database.engine, campaign.campaign_id, small_cells=False))
    for kind in FORMATS:
        assert f"/desk/reports/{campaign.campaign_id}/report.{kind}" in page
    assert len(page.encode()) < 60_000


@pytest.mark.usefixtures("no_browser")
def test_analysts_see_no_address_and_no_small_cell_in_any_page_or_file(campaign: Sent, as_role: As) -> None:
    analyst, sender = as_role("analyst"), as_role("sender")
    address = f"/desk/reports/{campaign.campaign_id}"
    texts = {"page": analyst.get(address).text, "figures.csv": analyst.get(f"{address}/figures.csv").text}
    for kind in ("html", "csv", "json"):
        texts[kind] = analyst.get(f"{address}/report.{kind}").text
    sheets = pd.read_excel(
        io.BytesIO(analyst.client.get(f"{address}/report.xlsx").data), sheet_name=None, engine="calamine"
    )  # fmt: skip
    texts["xlsx"] = "\n".join(sheet.to_csv() for sheet in sheets.values())
    for name, text in texts.items():
        assert "person0" not in text, name
        assert "@gmail.com" not in text, name
        assert "hidden" in text, name
    assert not {row for sheet in sheets.values() if "numerator" in sheet for row in sheet["numerator"]} & {1, 2, 3, 4}
    assert "hidden" not in sender.get(f"{address}/report.csv").text
    for chart in CHARTS:
        assert analyst.get(f"{address}/charts/wide/{chart}.svg").status_code == 200


@pytest.mark.usefixtures("chromium")
def test_analysts_get_a_pdf_without_addresses(campaign: Sent, as_role: As) -> None:
    file = as_role("analyst").client.get(f"/desk/reports/{campaign.campaign_id}/report.pdf")
    assert file.headers["Content-Disposition"] == f'attachment; filename="report-{campaign.campaign_id}.pdf"'
    text = "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(file.data)).pages)
    assert "hidden" in text
    assert "@gmail.com" not in text


def test_what_is_not_there_is_not_found(campaign: Sent, as_role: As) -> None:
    analyst, address = as_role("analyst"), f"/desk/reports/{campaign.campaign_id}"
    for path in ("charts/wide/no-such.svg", "charts/huge/curve.svg", "report.docx"):
        assert analyst.get(f"{address}/{path}").status_code == 404
    assert analyst.get("/desk/reports/999/report.csv").status_code == 404


@pytest.mark.usefixtures("no_browser")
def test_without_a_browser_the_pdf_says_what_to_do(campaign: Sent, as_role: As) -> None:
    answer = as_role("analyst").get(f"/desk/reports/{campaign.campaign_id}/report.pdf")
    assert answer.status_code == 409
    assert "print it as PDF" in answer.text


def test_a_report_on_a_campaign_of_which_nothing_is_known_says_so(database: Database, as_role: As) -> None:
    campaign = sent(database, people=3, opens="off", clicks="off")
    page = as_role("sender").get(f"/desk/reports/{campaign.campaign_id}").text
    assert "nobody is known to have read it" in page
    assert "not tracked" in page


def test_a_worker_draws_the_charts_ahead_once(campaign: Sent, database: Database) -> None:
    assert draw_due(database) == "1 reports counted and drawn"
    with database.engine.connect() as connection:
        drawn = set(connection.scalars(select(KeptChart.key)))
    assert len(drawn) >= 2 * len(CHARTS)
    assert draw_due(database) == ""


@pytest.fixture
def document(campaign: Sent, tmp_path_factory: pytest.TempPathFactory) -> str:
    engine = campaign.database.engine
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_bytes(html_report(engine, whole_report(engine, campaign.campaign_id)))
    return path.as_uri()


@pytest.fixture
def shared(campaign: Sent) -> Iterator[str]:
    """The address of a shared report, served as readers get it."""
    database = campaign.database
    with database.engine.begin() as connection:
        make_link(connection, campaign.campaign_id, "Priya")
        [link] = links_of(connection, database.settings, campaign.campaign_id)
    with served(public_app(database)) as url:
        yield url + link.url[link.url.index("/report/") :]


@pytest.mark.usefixtures("chromium")
@pytest.mark.parametrize("which", ["document", "shared"])
def test_everybody_can_read_the_document(which: str, request: pytest.FixtureRequest, running: Chromium) -> None:
    page, found = running.new_page(), {}
    page.goto(request.getfixturevalue(which))
    page.evaluate(axe._engine())
    for width in (375, 1280):
        for scheme in ("light", "dark"):
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            found[width, scheme] = page.evaluate(
                "axe.run(document).then(({violations}) => violations.map(({id, nodes}) => "
                "`${id} at ${nodes[0].target[0]}: ${nodes[0].failureSummary}`))"
            )
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            shown = page.locator(".wide svg" if width == 1280 else ".narrow svg")
            assert all(each.is_visible() for each in shown.all())
    page.close()
    assert not {view: rules for view, rules in found.items() if rules}
