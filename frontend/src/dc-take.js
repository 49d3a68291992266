// <dc-take> around a button that opens the email to be copied: puts it on the clipboard at once, `data-rich` with its
// looks. Where the browser refuses, or the form needs a change, the button does what it does without script.
import { copy } from "./dc-copy.js";
import { say } from "./say.js";

const SHOWN_MS = 2500;

class Take extends HTMLElement {
  plain = false;

  connectedCallback() {
    const button = /** @type {HTMLButtonElement} */ (this.querySelector("button"));
    button.addEventListener("click", (event) => {
      if (this.plain) return;
      event.preventDefault();
      void this.take(button);
    });
  }

  /** @param {HTMLButtonElement} button */
  async take(button) {
    const rich = button.dataset.rich !== undefined;
    let target = button.formTarget;
    /** @returns {Promise<{html: string, text: string}>} */
    const made = async () => {
      const typed = new FormData(/** @type {HTMLFormElement} */ (button.form), button);
      typed.delete("logo_file"); // the page has read it already
      const answer = await fetch(button.formAction, { method: "POST", body: typed, headers: { Accept: "application/json" } });
      if (answer.ok) return answer.json();
      target = "_self";
      throw new Error("the form needs a change");
    };
    try {
      // Begun within the press: a browser lets nobody write to the clipboard who has waited before.
      const parts = made();
      await copy(parts.then((each) => (rich ? each.text : each.html)), rich ? parts.then((each) => each.html) : "");
      this.done(button);
    } catch {
      this.plain = true;
      button.formTarget = target;
      button.click();
      this.plain = false;
    }
  }

  /** @param {HTMLButtonElement} button */
  done(button) {
    const words = button.textContent;
    say("Copied");
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = words), SHOWN_MS);
  }
}

customElements.define("dc-take", Take);
