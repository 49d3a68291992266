"""The desk's scripts: built or not, how long they are kept, and what a strict policy and strangers make of them."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

import daisychain.built_files
from daisychain.built_files import BUILT, built_file
from tests.desk.staff import Browser

ROOT = Path(__file__).parents[2]
SCRIPT = re.compile(r'<script type="module" src="([^"]+)">')
# What the pages' policy forbids: code in attributes, in triggers' filters and in values.
CODE = re.compile(r"""\shx-on|\son[a-z]+=|["' ]js:|javascript:|hx-trigger="[^"]*\[|\sstyle=|<style""")


@pytest.fixture
def unbuilt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daisychain.built_files, "BUILT", tmp_path)


def test_the_lock_file_names_no_registry_and_a_checksum_for_each_package() -> None:
    text = (ROOT / "frontend/package-lock.json").read_text()
    assert "resolved" not in text
    assert not re.search(r"registry|npmjs|https?://[^\"]*\.tgz", text)
    packages = json.loads(text)["packages"]
    assert not [name for name, package in packages.items() if name and not package["integrity"].startswith("sha512-")]


def test_every_package_is_pinned() -> None:
    package = json.loads((ROOT / "frontend/package.json").read_text())
    wanted = {**package["dependencies"], **package["devDependencies"]}
    assert not {name: version for name, version in wanted.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)}


def test_no_template_holds_code() -> None:
    # A mail's text is shown in a frame, whose own policy allows styles and no script.
    pages = [path for path in (ROOT / "templates/web").rglob("*.html") if path.name != "mail_text.html"]
    assert pages
    assert not [path.name for path in pages if CODE.search(path.read_text())]


@pytest.mark.usefixtures("unbuilt")
def test_without_the_build_pages_ask_for_no_script(browser: Browser) -> None:
    assert not SCRIPT.search(browser.get("/desk/sign-in").text)


@pytest.mark.usefixtures("scripts")
def test_pages_load_the_script_which_browsers_may_keep_for_a_year(app: Flask, browser: Browser) -> None:
    [path] = SCRIPT.findall(browser.get("/desk/sign-in").text)
    with browser.client.get(path) as answer:
        assert answer.mimetype == "text/javascript"
        assert answer.cache_control.max_age == 365 * 24 * 3600
        assert len(gzip.compress(answer.data)) < 40_000
    with browser.client.get("/static/desk.css") as answer:
        assert answer.cache_control.no_cache


@pytest.mark.usefixtures("scripts")
def test_the_source_view_has_a_file_of_its_own_near_the_size_that_was_planned() -> None:
    source = gzip.compress((BUILT.parent / built_file("source.js")).read_bytes())
    assert len(source) < 120_000
    assert b"cm-content" not in (BUILT.parent / built_file("desk.js")).read_bytes()


@pytest.mark.usefixtures("scripts")
def test_the_licence_of_each_bundled_package_is_with_the_files() -> None:
    text = (BUILT / "LICENSES.txt").read_text()
    for name in ("htmx.org", "@codemirror/view", "style-mod", "axe-core"):
        assert re.search(rf"^{re.escape(name)}\n\n\w", text, re.MULTILINE)


def test_only_the_signed_in_have_a_token_in_the_page(app: Flask, admin: Browser) -> None:
    assert 'name="csrf-token"' in admin.get("/desk/").text
    assert 'name="csrf-token"' not in Browser(app).get("/desk/sign-in").text


@pytest.mark.processes
@pytest.mark.usefixtures("chromium", "scripts")
def test_htmx_runs_under_the_strict_policy_and_sends_the_token(opened_as: Callable[..., Page], url: str) -> None:
    page = opened_as("admin")
    assert page.evaluate("htmx.config.includeIndicatorCSS || htmx.config.history") is False
    # A button of a part that is not there: the answer is 404, and not for want of a token.
    page.evaluate("""() => {
        const button = document.createElement("button");
        button.textContent = "Ask";
        button.setAttribute("hx-post", "/desk/settings/examine");
        button.setAttribute("hx-target", "#content");
        button.setAttribute("hx-select", "#content");
        document.querySelector("#content").append(button);
        htmx.process(button);
    }""")
    with page.expect_response("**/desk/settings/examine") as asked:
        page.get_by_role("button", name="Ask", exact=True).click()
    assert asked.value.request.headers["x-csrftoken"]
    expect(page.get_by_role("status").filter(has_text="The doctor is looking")).to_be_visible()


@pytest.mark.processes
@pytest.mark.usefixtures("chromium", "scripts")
def test_a_button_that_is_pressed_twice_sends_once_and_shows_that_it_works(
    opened_as: Callable[..., Page], url: str
) -> None:
    page = opened_as("admin")
    page.goto(f"{url}/desk/people/invite")
    page.get_by_label("Their email address").fill("sam@coalition.example")
    page.get_by_text("writes newsletters and toolkit copy").click()
    page.evaluate("""() => {
        window.held = [];
        document.addEventListener("submit", (event) => {
            held.push(event.defaultPrevented);
            event.preventDefault();
        });
    }""")
    press = """() => {
        const button = document.querySelector("main form button");
        button.click();
        return [held, button.getAttribute("aria-disabled"), document.querySelector("#said").textContent];
    }"""
    assert page.evaluate(press) == [[False], "true", "One moment …"]
    assert page.evaluate(press)[0] == [False, True]
    page.evaluate("window.dispatchEvent(new PageTransitionEvent('pageshow'))")  # somebody came back
    expect(page.locator("[aria-disabled]")).to_have_count(0)
    assert page.evaluate(press)[0] == [False, True, False]
