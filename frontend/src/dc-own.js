// <dc-own> around the form: the email and the messages follow what is typed, and the logo what is picked or dropped.
import { keep, recall } from "./own-kept.js";
import { showTyped } from "./own-frame.js";
import { putParts } from "./parts.js";
import { say } from "./say.js";

const AFTER_MS = 250;
const COLOUR = /^#[0-9a-f]{6}$/i;

class Own extends HTMLElement {
  timer = 0;
  busy = false;
  /** What changed while a question was under way. @type {{logo: boolean} | null} */
  next = null;

  get form() {
    return /** @type {HTMLFormElement} */ (this.querySelector("form"));
  }

  get private() {
    return this.form.dataset.kept !== "yes"; // the organisation's own page: its brand comes from the server
  }

  connectedCallback() {
    this.classList.add("scripted");
    this.addPicker();
    this.addEventListener("input", (event) => this.changed(/** @type {HTMLInputElement} */ (event.target)));
    this.addEventListener("click", (event) => this.pressed(event));
    for (const name of ["dragover", "dragleave", "drop"]) this.addEventListener(name, (event) => this.dragged(/** @type {DragEvent} */ (event)));
    if (!this.private && recall(this.form)) void this.ask(false);
  }

  /** @param {HTMLInputElement} field */
  changed(field) {
    if (field.name === "look") return;
    if (field.name === "logo_file") return void this.ask(true);
    if (!this.private) keep(this.form);
    // A phone shows the pills; what a tool offers is below them.
    if (field.name === "tool") field.closest(".tool")?.querySelector(".panel")?.scrollIntoView({ block: "nearest" });
    if (field.name === "tool" || field.name === "otherwise") return;
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.ask(false), AFTER_MS);
  }

  /** @param {Event} event */
  pressed(event) {
    const button = /** @type {HTMLElement} */ (event.target).closest("button");
    if (button?.name !== "remove_logo") return;
    event.preventDefault();
    for (const each of this.form.querySelectorAll('input[name="logo"], input[name="logo_printed"]')) each.remove();
    /** @type {HTMLInputElement} */ (this.form.elements.namedItem("logo_file")).value = "";
    void this.ask(true);
  }

  /** @param {DragEvent} event */
  dragged(event) {
    const place = /** @type {HTMLElement} */ (event.target).closest(".drop");
    if (!place || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    place.classList.toggle("over", event.type === "dragover");
    if (event.type !== "drop") return;
    /** @type {HTMLInputElement} */ (place.querySelector("input")).files = event.dataTransfer.files;
    void this.ask(true);
  }

  /** Ask for the messages and the email, one question at a time; a logo is read first, and then comes back with the
   * form. @param {boolean} logo */
  async ask(logo) {
    if (this.busy) return void (this.next = { logo: logo || this.next?.logo || false });
    this.busy = true;
    const typed = new FormData(this.form);
    if (logo) say("Reading the logo …");
    else typed.delete("logo_file");
    const shown = logo ? null : showTyped(this.form);
    try {
      const answer = await fetch(this.form.action, { method: "POST", body: typed });
      if (logo && ![200, 422].includes(answer.status)) return this.logoRefused(answer.status);
      const said = putParts(await answer.text());
      if (said || logo) say(said || "The logo is in the email.");
      if (logo && !this.private) keep(this.form);
    } catch {
      say("The preview can’t be reached. What you typed is kept.");
    } finally {
      await (shown ?? showTyped(this.form));
      this.busy = false;
      const next = this.next;
      this.next = null;
      if (next) void this.ask(next.logo);
    }
  }

  /** Say below the file that it can't be used, and let go of it: each form with it would be refused.
   * @param {number} status */
  logoRefused(status) {
    /** @type {HTMLInputElement} */ (this.form.elements.namedItem("logo_file")).value = "";
    const text = status === 413 ? "This file is larger than 16 MB. Choose a smaller one." : "The logo can’t be read just now. Please choose it again in a moment.";
    const message = Object.assign(document.createElement("p"), { className: "error", textContent: `✖ ${text}` });
    this.querySelector("#logo-live-message")?.replaceChildren(message);
    say(text);
  }

  addPicker() {
    const text = /** @type {HTMLInputElement} */ (this.form.elements.namedItem("accent"));
    const picker = document.createElement("input");
    Object.assign(picker, { type: "color", ariaLabel: "Pick your colour", value: COLOUR.test(text.value) ? text.value : "#1d5c53" });
    text.after(picker);
    text.addEventListener("input", () => COLOUR.test(text.value) && (picker.value = text.value));
    picker.addEventListener("input", () => (text.value = picker.value)); // before it reaches the form
  }
}

customElements.define("dc-own", Own);
