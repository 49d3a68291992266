// <dc-once>: a form within is sent once, however often its button is pressed, and the button shows that it works.
// Scripts that send a form themselves (event.preventDefault()) are left to it.
import { say, unsay } from "./say.js";

/** After so long the form can be sent again: the answer may have been a file, or was stopped. */
const AGAIN_MS = 15_000;
const WORKING = "One moment …";

class Once extends HTMLElement {
  /** @type {Set<HTMLFormElement>} */
  sent = new Set();

  connectedCallback() {
    this.addEventListener("submit", this);
    window.addEventListener("pageshow", this);
  }

  disconnectedCallback() {
    window.removeEventListener("pageshow", this);
  }

  /** @param {Event} event */
  handleEvent(event) {
    if (event.type === "pageshow") for (const form of this.sent) this.free(form); // the browser's Back
    else this.submitted(/** @type {SubmitEvent} */ (event));
  }

  /** @param {SubmitEvent} event */
  submitted(event) {
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (event.defaultPrevented) return;
    if (this.sent.has(form)) {
      event.preventDefault();
      return;
    }
    this.sent.add(form);
    // Not `disabled`: the form would be sent without the button's own value, and the focus would be lost.
    event.submitter?.setAttribute("aria-disabled", "true");
    say(WORKING);
    setTimeout(() => this.free(form), AGAIN_MS);
  }

  /** @param {HTMLFormElement} form */
  free(form) {
    this.sent.delete(form);
    for (const button of form.querySelectorAll("[aria-disabled]")) button.removeAttribute("aria-disabled");
    unsay(WORKING);
  }
}

customElements.define("dc-once", Once);
