// <dc-preview>: the mail as it is typed, half a second after each key. Two frames: the spare one is loaded, then shown.
// A frame is filled by a form that is sent into it, as its page has a policy of its own and no script can reach in.
import { askTyped, choices, isWriting, oneAtATime, typedFields } from "./editor.js";

const LONGEST_MS = 4_000;
const KEPT = "daisychain.preview";
let count = 0;

class Preview extends HTMLElement {
  stale = false;
  turn = oneAtATime(() => this.load());

  get form() {
    return /** @type {HTMLFormElement} */ (this.querySelector("form[data-choices]"));
  }

  connectedCallback() {
    this.recall();
    this.form.addEventListener("change", () => this.chosen());
    this.form.addEventListener("submit", (event) => {
      if (!typedFields()) return;
      event.preventDefault();
      this.chosen();
    });
    for (const name of ["input", "dc-tab", "htmx:after:swap", "change"]) document.addEventListener(name, this);
    if (typedFields()) this.turn.soon(0);
  }

  disconnectedCallback() {
    for (const name of ["input", "dc-tab", "htmx:after:swap", "change"]) document.removeEventListener(name, this);
  }

  /** @param {Event} event */
  handleEvent(event) {
    if (event.type === "dc-tab" ? this.stale : event.type === "htmx:after:swap" || isWriting(event)) this.turn.soon(60);
  }

  chosen() {
    sessionStorage.setItem(KEPT, choices().toString());
    this.turn.soon(0);
  }

  /** Choose again what was chosen on the page before. */
  recall() {
    const kept = new URLSearchParams(sessionStorage.getItem(KEPT) ?? "");
    if (!typedFields() || !kept.size) return;
    for (const field of /** @type {Iterable<HTMLInputElement>} */ (this.form.elements)) {
      if (field.type === "checkbox") field.checked = kept.has(field.name);
      else if (field.querySelector(`option[value="${CSS.escape(kept.get(field.name) ?? "?")}"]`)) field.value = kept.get(field.name) ?? "";
    }
  }

  async load() {
    this.stale = !this.checkVisibility();
    if (this.stale || !typedFields()) return;
    const answer = await askTyped(this.dataset.url ?? "");
    if (answer.status === 503) return 300;
    const shown = answer.headers.get("Content-Type")?.includes("json") ? await answer.json() : {};
    this.notice(answer.ok ? "" : shown.error ?? "The preview is not up to date.");
    if (!answer.ok) return answer.status === 422 ? undefined : 3_000;
    const inbox = /** @type {HTMLElement} */ (this.querySelector(".inbox"));
    inbox.hidden = false;
    const [subject, preheader] = inbox.querySelectorAll("b, .meta");
    subject.textContent = shown.subject;
    preheader.textContent = shown.preheader || "no preheader";
    if (!(await this.show())) return 300;
  }

  /** @param {string} text */
  notice(text) {
    const place = /** @type {HTMLElement} */ (this.querySelector(".notice"));
    place.hidden = !text;
    place.textContent = text;
  }

  async show() {
    const old = /** @type {HTMLIFrameElement} */ (this.querySelector("iframe"));
    const spare = document.createElement("iframe");
    spare.setAttribute("sandbox", "");
    spare.title = old.title;
    spare.name = `mail-${++count}`;
    spare.className = `mail spare ${choices().get("look") ?? ""}`;
    old.after(spare); // a new frame each time: its first page is no step of the browser's history
    const loaded = new Promise((resolve) => {
      spare.addEventListener("load", () => resolve(true), { once: true });
      setTimeout(() => resolve(false), LONGEST_MS);
    });
    const form = document.createElement("form");
    form.hidden = true;
    form.method = "post";
    form.target = spare.name;
    const query = choices();
    query.delete("language");
    form.action = `${this.dataset.frame}?${query}#here`;
    for (const [name, value] of typedFields() ?? []) {
      const field = document.createElement("textarea");
      field.name = name;
      field.value = value;
      form.append(field);
    }
    document.body.append(form);
    form.submit();
    form.remove();
    if (!(await loaded)) {
      spare.remove();
      return false;
    }
    spare.classList.remove("spare");
    old.remove();
    return true;
  }
}

customElements.define("dc-preview", Preview);
