// <dc-upload>: a picture is uploaded as soon as it is chosen; one that is too large is refused before it is sent.
import { say } from "./ask.js";

class Upload extends HTMLElement {
  connectedCallback() {
    const field = this.querySelector("input");
    field?.addEventListener("change", () => this.chosen(field));
  }

  /** @param {HTMLInputElement} field */
  chosen(field) {
    const [file] = field.files ?? [];
    if (!file) return;
    const large = file.size > Number(field.dataset.most);
    field.setCustomValidity(large ? "This picture is too large: choose one of at most 5 MB." : "");
    if (large) {
      field.reportValidity();
      field.value = ""; // or it would be sent with the next button
      return;
    }
    say(`Uploading ${file.name} …`);
    this.closest("form")?.requestSubmit(this.querySelector("button"));
  }
}

customElements.define("dc-upload", Upload);
