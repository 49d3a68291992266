// <dc-slices src="…/uploads" slice="BYTES" most="BYTES">: sends the file of the form within it in slices, each again
// until it has arrived; a line that breaks costs one slice. Then the form is sent, with the upload's number.
import { ask, trouble } from "./ask.js";

const LONGEST_WAIT_MS = 15_000;
const SLICE_WITHIN_MS = 120_000;

class Slices extends HTMLElement {
  connectedCallback() {
    this.querySelector(".by-hand")?.remove();
    this.querySelector("form")?.addEventListener("submit", (event) => this.submitted(event));
  }

  /** @param {SubmitEvent} event */
  submitted(event) {
    const form = /** @type {HTMLFormElement} */ (event.target);
    const field = /** @type {HTMLInputElement} */ (form.elements.namedItem("file"));
    if (field.disabled) event.preventDefault();
    const [file] = field.files ?? [];
    if (!file || field.disabled) return;
    event.preventDefault();
    const large = file.size > Number(this.getAttribute("most"));
    field.setCustomValidity(large ? `This file is too large: choose one of at most ${Number(this.getAttribute("most")) >> 20} MB.` : "");
    if (!form.reportValidity()) return field.setCustomValidity("");
    field.disabled = true; // its file comes in slices
    this.send(file, form).catch((error) => {
      field.disabled = false;
      this.show(`${error.message || "The upload failed."} Press the button again: it goes on where it was.`);
    });
  }

  /** @param {File} file @param {HTMLFormElement} form */
  async send(file, form) {
    const size = Number(this.getAttribute("slice"));
    const fields = { name: file.name, size: `${file.size}`, mark: `${file.lastModified}` };
    this.show("Uploading …", 0);
    const { upload, next: first } = await this.reached("", { method: "POST", body: new URLSearchParams(fields) });
    for (let next = first; next !== null; ) {
      const body = file.slice(next * size, (next + 1) * size);
      const headers = { "Content-Type": "application/octet-stream" };
      ({ next } = await this.reached(`/${upload}/${next}`, { method: "PUT", body, headers }));
      const done = next === null ? 100 : Math.floor((100 * next * size) / file.size);
      this.show(`${file.name}: ${done} %`, done);
    }
    /** @type {HTMLInputElement} */ (form.elements.namedItem("upload")).value = upload;
    const field = /** @type {HTMLInputElement} */ (form.elements.namedItem("file"));
    field.value = "";
    field.disabled = false;
    form.requestSubmit();
  }

  /** Ask until the server answers; what it refuses is an error. @param {string} path @param {RequestInit} options */
  async reached(path, options) {
    for (let failures = 0; ; failures++) {
      const answer = await ask(`${this.getAttribute("src")}${path}`, { ...options, signal: AbortSignal.timeout(SLICE_WITHIN_MS) }).catch(() => null);
      if (answer?.ok) return answer.json();
      if (answer && answer.status < 500 && answer.status !== 408) {
        trouble(answer.status);
        throw new Error((await answer.json().catch(() => ({}))).message ?? "");
      }
      this.show("The line broke. It goes on by itself …");
      await new Promise((resolve) => setTimeout(resolve, Math.min(LONGEST_WAIT_MS, 500 * 2 ** failures)));
    }
  }

  /** @param {string} text @param {number} [percent] */
  show(text, percent) {
    const place = /** @type {HTMLElement} */ (this.querySelector(".sending"));
    place.hidden = false;
    if (percent !== undefined) /** @type {HTMLProgressElement} */ (place.querySelector("progress")).value = percent;
    /** @type {HTMLElement} */ (place.querySelector("span")).textContent = text;
  }
}

customElements.define("dc-slices", Slices);
