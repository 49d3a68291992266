// <dc-autosave>: saves the form with data-autosave within a second of each change, and says so beside the title. While
// the server can't be reached, or nobody is signed in, the text is kept in this browser, by newsletter and version.
import { ask } from "./ask.js";
import { fieldsOf, isWriting, oneAtATime, writtenForm } from "./editor.js";

const PAUSE_MS = 600;
/** A request that outlives its page may be no larger. */
const MOST_AT_THE_END = 60_000;

class Autosave extends HTMLElement {
  turn = oneAtATime(() => this.save());
  /** @type {"" | "trying" | "signed out" | "refused" | "collided"} */
  trouble = "";
  since = "";
  wait = 1_000;
  both = "";
  /** @type {Promise<void> | null} */
  sending = null;
  /** What was sent and has no answer: the server may have saved it, or not. @type {URLSearchParams | null} */
  sent = null;
  /** Whether this page is being left, which breaks off what is under way. */
  left = false;

  connectedCallback() {
    this.since = /\d\d:\d\d/.exec(this.place.textContent ?? "")?.[0] ?? "";
    this.saved = this.typed();
    if (this.outdated()) return;
    for (const name of ["input", "change", "keydown", "htmx:after:swap", "visibilitychange"]) document.addEventListener(name, this);
    for (const name of ["submit", "click", "toggle"]) document.addEventListener(name, this, true);
    for (const name of ["beforeunload", "pagehide", "online", "focus"]) window.addEventListener(name, this);
    this.offer();
  }

  /** @param {any} event */
  handleEvent(event) {
    if (event.type === "submit") this.submitted(event);
    else if (event.type === "click") this.leaving(event);
    else if (event.type === "toggle") void this.toggled(event.target);
    else if (event.type === "keydown") {
      if ((event.ctrlKey || event.metaKey) && event.key === "s") {
        event.preventDefault();
        this.turn.later(0);
      }
    } else if (event.type === "beforeunload") this.left = true;
    else if (event.type === "pagehide") this.ended();
    else if (event.type === "htmx:after:swap") this.saved = this.typed();
    else if (["online", "focus", "visibilitychange"].includes(event.type)) {
      if (this.trouble === "trying" || this.trouble === "signed out") this.turn.later(0);
    } else if (isWriting(event)) this.changed();
  }

  changed() {
    this.left = false;
    if (this.trouble) this.keep();
    if (this.trouble === "collided") return;
    if (this.trouble !== "trying" && this.trouble !== "signed out") {
      if (!this.sending) this.show("Saving…");
      this.turn.soon(PAUSE_MS);
    }
  }

  /** A page that was made while the one before it was being saved has the older text: load it again, once. */
  outdated() {
    const base = /** @type {HTMLInputElement | null} */ (document.querySelector("form[data-autosave] [name=base]"));
    const newer = Number(sessionStorage.getItem(this.key)) > Number(base?.value);
    sessionStorage.removeItem(this.key);
    if (newer) location.reload();
    return newer;
  }

  /** A piece that is closed again shows the first words of what was saved meanwhile. @param {HTMLDetailsElement} piece */
  async toggled(piece) {
    const summary = piece.querySelector(":scope > summary[id]"), was = piece.dataset.base;
    if (!summary || !piece.matches(".edit")) return;
    if (!piece.open) await this.flush();
    const { value } = /** @type {HTMLInputElement} */ (document.querySelector("form[data-autosave] [name=base]"));
    piece.dataset.base = value;
    if (piece.open || was === value) return;
    const answer = await ask(location.href).catch(() => null);
    const page = answer?.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
    const now = page?.getElementById(summary.id);
    if (now) summary.replaceChildren(...now.childNodes);
  }

  get place() {
    return /** @type {HTMLElement} */ (document.querySelector(".head .saved"));
  }

  /** What is written, without what a save itself changes. */
  typed() {
    const fields = writtenForm() ? fieldsOf(/** @type {HTMLFormElement} */ (writtenForm())) : new URLSearchParams();
    for (const name of ["base", "csrf_token"]) fields.delete(name);
    return fields.toString();
  }

  get dirty() {
    return this.typed() !== this.saved;
  }

  save() {
    this.sending ??= this.send().finally(() => (this.sending = null));
    return this.sending.then(() => (this.trouble === "trying" || this.trouble === "signed out" ? this.wait : undefined));
  }

  async send() {
    const form = writtenForm(), typed = this.typed();
    if (!form || this.trouble === "collided") return;
    if (!this.dirty && !this.trouble) {
      this.show(this.since && `Saved ${this.since}`);
      return;
    }
    if (this.trouble === "signed out" && !(await this.signedIn())) return this.later();
    const answer = await this.postAfter(this.sent, fieldsOf(form)).catch(() => null);
    if (answer?.status === 401 || answer?.status === 400 || answer?.status === 403) return this.later("signed out");
    if (!answer || answer.status >= 500) return this.later("trying");
    await this.answered(answer, typed);
  }

  /** @param {URLSearchParams} fields @param {RequestInit} [options] */
  post(fields, options = {}) {
    fields.set("auto", "1");
    fields.set("what", "auto");
    fields.set("csrf_token", token());
    return ask(/** @type {HTMLFormElement} */ (writtenForm()).action, { method: "POST", body: fields, ...options });
  }

  /**
   * Post what is typed; before it, once more, what was sent without an answer. If that was saved, saving it again
   * changes nothing, and gives its version: nobody collides with themselves.
   * @param {URLSearchParams | null} sent @param {URLSearchParams} fields
   */
  async postAfter(sent, fields) {
    if (sent) {
      const first = await this.post(sent);
      if (first.status >= 500) return first;
      const { version } = first.ok ? await first.json() : {};
      if (version) fields.set("base", version);
    }
    this.sent = fields;
    const answer = await this.post(fields);
    if (answer.status < 500) this.sent = null;
    return answer;
  }

  /** @param {Response} answer @param {string} typed */
  async answered(answer, typed) {
    const json = answer.headers.get("Content-Type")?.includes("json");
    const result = json ? await answer.json() : { error: "The newsletter is not there any more." };
    if (answer.ok && json) {
      for (const each of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("input[name=base]"))) each.value = result.version;
      this.saved = typed;
      this.since = result.at;
      if (this.trouble) this.say(`Saved ${result.at}`);
      this.trouble = "";
      this.wait = 1_000;
      localStorage.removeItem(this.key);
      sessionStorage.setItem(this.key, result.version);
      this.show(this.dirty ? "Saving…" : `Saved ${result.at}`);
      const undo = document.getElementById("undo"), what = document.getElementById("undo-what");
      if (undo) undo.hidden = !result.undo;
      if (what) what.textContent = result.undo;
      if (this.dirty) this.turn.soon(PAUSE_MS);
      return;
    }
    this.trouble = result.both ? "collided" : "refused";
    this.both = result.both ?? "";
    this.keep();
    if (result.both) {
      this.saved = typed; // it is kept among the versions
      this.show(`${result.by} saved meanwhile, your text is kept: `, "put both together", result.both);
    } else this.show(`Not saved: ${result.error}`);
  }

  /** @param {"trying" | "signed out"} [trouble] */
  later(trouble) {
    if (this.left) {
      this.left = false; // a page that is still there after this tries again
      this.turn.soon(1_000);
      return;
    }
    if (trouble) this.trouble = trouble;
    this.keep();
    this.wait = Math.min(this.wait * 2, 15_000);
    if (this.trouble === "trying") this.show(`Not saved since ${this.since}, trying again`);
    else this.show("You are signed out. Your text is kept in this browser: ", "sign in, then come back to this tab", this.dataset.signIn, true);
  }

  /** Whether the same person is signed in again; then this page gets their new token. */
  async signedIn() {
    const answer = await ask(location.href).catch(() => null);
    const page = answer?.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
    const now = /** @type {HTMLElement | null | undefined} */ (page?.querySelector("dc-autosave"));
    if (now?.dataset.account !== this.dataset.account) return false;
    const fresh = page?.querySelector('meta[name="csrf-token"]')?.getAttribute("content") ?? "";
    document.querySelector('meta[name="csrf-token"]')?.setAttribute("content", fresh);
    for (const each of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("input[name=csrf_token]"))) each.value = fresh;
    return true;
  }

  /** @param {string} text @param {string} [link] @param {string} [address] */
  show(text, link = "", address = "", apart = false) {
    const { place } = this;
    if (place.textContent === text + link) return;
    place.textContent = text;
    place.classList.toggle("trouble", !!this.trouble);
    if (link) {
      const anchor = document.createElement("a");
      anchor.href = address;
      anchor.textContent = link;
      if (apart) anchor.target = "_blank";
      place.append(anchor);
    }
    if (this.trouble) this.say(text + link);
  }

  /** @param {string} text */
  say(text) {
    this.replaceChildren(text);
  }

  get key() {
    const { account, newsletter, language } = this.dataset;
    return `daisychain.unsaved ${account} ${newsletter} ${language}`;
  }

  keep(leaving = false) {
    const form = writtenForm();
    if (!form) return;
    const at = new Date().toTimeString().slice(0, 5);
    try {
      localStorage.setItem(this.key, JSON.stringify({ fields: fieldsOf(form).toString(), typed: this.typed(), sent: this.sent?.toString(), at, leaving }));
    } catch { /* this browser keeps nothing */ }
  }

  /** Offer the text that was kept when it could not be saved, if it differs from what is saved now. */
  offer() {
    const kept = JSON.parse(localStorage.getItem(this.key) ?? "null");
    if (!kept || kept.typed === this.typed()) {
      localStorage.removeItem(this.key);
      return;
    }
    const fields = new URLSearchParams(kept.fields);
    const base = /** @type {HTMLInputElement | null} */ (document.querySelector("form[data-autosave] [name=base]"));
    const sent = kept.sent ? new URLSearchParams(kept.sent) : null;
    if (kept.leaving && (sent || fields.get("base") === base?.value)) {
      void this.putBack(sent, fields);
      return;
    }
    const notice = document.createElement("p");
    notice.className = "notice warning";
    notice.setAttribute("role", "status");
    notice.append(`A text of ${kept.at} was not saved, and is kept in this browser. `);
    notice.append(button("Use it", () => this.putBack(sent, fields)), " ", button("Discard it", () => {
      localStorage.removeItem(this.key);
      notice.remove();
    }));
    writtenForm()?.before(notice);
  }

  /** @param {URLSearchParams | null} sent @param {URLSearchParams} fields */
  async putBack(sent, fields) {
    const answer = await this.postAfter(sent, fields).catch(() => null);
    const result = answer?.headers.get("Content-Type")?.includes("json") ? await answer.json() : {};
    if (!answer?.ok && !result.both) return this.show(`Not saved: ${result.error ?? "the server did not answer"}`);
    localStorage.removeItem(this.key);
    if (result.both) location.assign(result.both);
    else location.reload();
  }

  /** Before a form is sent, what is on its way is saved: a form names the version that it began with. @param {SubmitEvent} event */
  submitted(event) {
    const form = /** @type {HTMLFormElement} */ (event.target);
    const waits = form === writtenForm() ? this.sending : this.sending || (this.dirty && form.elements.namedItem("base"));
    if (!waits || this.trouble) {
      if (form === writtenForm() && !this.trouble) this.saved = this.typed();
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    const { submitter } = event;
    void this.flush().then(() => form.requestSubmit(submitter));
  }

  async flush() {
    await this.sending;
    if (this.dirty && !this.trouble) await this.save();
  }

  /** A link to another page is followed when everything is saved. @param {MouseEvent} event */
  leaving(event) {
    const link = event.target instanceof Element && event.target.closest("a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || link.target || event.button) return;
    if (link.hash && link.pathname === location.pathname) return;
    const toBoth = this.trouble === "collided" && link.getAttribute("href") === this.both;
    if (!(this.dirty && (toBoth || !this.trouble))) return;
    event.preventDefault();
    if (toBoth) this.trouble = "refused"; // the newest text is refused once more, and kept
    void this.save().then(() => location.assign(toBoth ? this.both : link.href));
  }

  ended() {
    this.left = true;
    const form = writtenForm();
    if (!form || !this.dirty) return;
    this.keep(!this.trouble);
    const fields = fieldsOf(form);
    if (!this.trouble && !this.sent && fields.toString().length < MOST_AT_THE_END) void this.post(fields, { keepalive: true }).catch(() => null);
  }
}

function token() {
  return document.querySelector('meta[name="csrf-token"]')?.getAttribute("content") ?? "";
}

/** @param {string} label @param {() => void} act */
function button(label, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "button quiet small";
  made.textContent = label;
  made.addEventListener("click", act);
  return made;
}

customElements.define("dc-autosave", Autosave);
