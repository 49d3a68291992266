// <dc-checks>: what is to fix and to look at, a second after the last change, with links to the places.
import { askTyped, isWriting, oneAtATime } from "./editor.js";

const PAUSE_MS = 1_000;

class Checks extends HTMLElement {
  turn = oneAtATime(() => this.load());
  said = "";

  connectedCallback() {
    for (const name of ["input", "change", "htmx:after:swap"]) document.addEventListener(name, this);
    this.addEventListener("click", (event) => this.go(event));
    this.turn.soon(0);
  }

  disconnectedCallback() {
    for (const name of ["input", "change", "htmx:after:swap"]) document.removeEventListener(name, this);
  }

  /** @param {Event} event */
  handleEvent(event) {
    if (event.type === "htmx:after:swap" || isWriting(event)) this.turn.later(PAUSE_MS);
  }

  async load() {
    const answer = await askTyped(this.dataset.url ?? "");
    if (answer.status === 503) return PAUSE_MS;
    if (!answer.ok) return answer.status === 401 ? undefined : 5_000;
    const found = new DOMParser().parseFromString(await answer.text(), "text/html").body;
    const focused = this.contains(document.activeElement) && document.activeElement?.getAttribute("href");
    this.replaceChildren(...found.childNodes);
    if (focused) /** @type {HTMLElement | null} */ (this.querySelector(`a[href="${CSS.escape(focused)}"]`))?.focus();
    const rows = [.../** @type {NodeListOf<HTMLElement>} */ (this.querySelectorAll("[data-severity]"))];
    const fixes = rows.filter((row) => row.dataset.severity === "error").length;
    this.report(fixes, rows.length - fixes);
    const detail = rows.map(({ dataset: { line, severity }, firstElementChild }) => ({
      line: Number(line), severity, message: firstElementChild?.querySelector("b")?.textContent ?? "",
    }));
    document.dispatchEvent(new CustomEvent("dc-found", { detail }));
  }

  /** @param {number} fixes @param {number} looks */
  report(fixes, looks) {
    const counts = document.querySelector(".parts .count");
    if (counts) counts.textContent = ` (${fixes})`;
    const status = this.parentElement?.querySelector("[role=status]");
    const text = `${fixes} to fix, ${looks} to look at`;
    if (status && this.said !== text) status.textContent = this.said = text;
  }

  /** Lead to a place on this page: the line of the source, or a piece, which may be closed. @param {MouseEvent} event */
  go(event) {
    const link = event.target instanceof Element && event.target.closest("a");
    if (!link || event.ctrlKey || event.metaKey) return;
    const place = link.pathname === location.pathname && document.getElementById(link.hash.slice(1));
    if (!place) return;
    event.preventDefault();
    document.dispatchEvent(new CustomEvent("dc-go", { detail: place }));
    for (let each = place.closest("details"); each; each = each.parentElement?.closest("details") ?? null) each.open = true;
    const line = Number(link.closest("li")?.dataset.line);
    if (place.id === "text" && line) {
      place.dispatchEvent(new CustomEvent("dc-line", { detail: line }));
      return;
    }
    for (const each of place.querySelectorAll("details")) each.open = true;
    place.scrollIntoView({ block: "center" });
    /** @type {HTMLElement | null} */ (place.querySelector("input:not([type=hidden]), textarea, select, summary, button"))?.focus();
  }
}

customElements.define("dc-checks", Checks);
