// <dc-live src="…/live" have="VERSION" next="SECONDS">: keeps a page up to date as long as it moves (desk/live.py).
// What has the class "by-hand" in it is for people without script, and for when the server does not answer.
import { ask } from "./ask.js";
import { putParts } from "./parts.js";

const LONGEST_SECONDS = 30;

class Live extends HTMLElement {
  failures = 0;
  timer = 0;
  due = false;
  at = new Date();
  shown = document.createElement("span");
  said = document.createElement("span");

  connectedCallback() {
    this.shown.className = "meta";
    this.said.className = "hidden";
    this.said.setAttribute("role", "status");
    this.append(this.shown, this.said);
    this.have = this.getAttribute("have") ?? "";
    document.addEventListener("visibilitychange", this);
    this.wait(Number(this.getAttribute("next")));
  }

  disconnectedCallback() {
    document.removeEventListener("visibilitychange", this);
    clearTimeout(this.timer);
  }

  handleEvent() {
    if (this.due && !document.hidden) this.look();
  }

  /** @param {number} seconds 0 if the page does not move any more */
  wait(seconds) {
    this.classList.toggle("failing", this.failures > 0);
    if (this.failures) this.shown.textContent = `Not up to date since ${this.at.toLocaleTimeString("en-GB")}.`;
    else this.shown.textContent = seconds ? "Up to date." : "";
    if (seconds) this.timer = setTimeout(() => this.look(), seconds * 1000);
  }

  async look() {
    this.due = document.hidden;
    if (this.due) return;
    try {
      const answer = await ask(`${this.getAttribute("src")}?have=${this.have}`);
      if ([205, 401].includes(answer.status)) return location.reload(); // all is another, or to the sign-in and back
      if (!answer.ok && answer.status !== 304) throw new Error(`${answer.status}`);
      const said = answer.ok ? putParts(await answer.text()) : "";
      if (said) this.said.textContent = said;
      this.have = answer.headers.get("X-Version") ?? this.have;
      this.failures = 0;
      this.at = new Date();
      this.wait(Number(answer.headers.get("X-Next")));
    } catch {
      this.failures++;
      this.wait(Math.min(LONGEST_SECONDS, 2 ** this.failures));
    }
  }
}

customElements.define("dc-live", Live);
