// <dc-copy>text</dc-copy>: a button that copies the text within; `label` says what, for people who hear the page.
// <dc-copy for="ID"> copies an element elsewhere, `rich` also with its looks. Without script the text can be selected.
import { say, unsay } from "./say.js";

const SHOWN_MS = 2500;
const REFUSED = "The text is selected: copy it with your keyboard or menu";

class Copy extends HTMLElement {
  connectedCallback() {
    if (this.querySelector("button")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.addEventListener("click", () => this.pressed(button));
    this.source = document.getElementById(this.getAttribute("for") ?? "") ?? this.firstElementChild;
    this.name(button, this.getAttribute("shown") ?? "Copy");
    this.append(button);
  }

  /** @param {HTMLElement} button @param {string} text */
  name(button, text) {
    const label = document.createElement("span");
    label.className = "hidden";
    label.textContent = ` ${this.getAttribute("label") ?? ""}`;
    button.replaceChildren(text, label);
  }

  /** @param {HTMLElement} button */
  async pressed(button) {
    const source = /** @type {HTMLElement} */ (this.source);
    /** @type {HTMLTextAreaElement | null} */
    const written = document.querySelector(`textarea[data-for="${source.id}"]`);
    const text = (written ? written.value : source.innerText).trim();
    let told = "Copied";
    try {
      await copy(text, this.hasAttribute("rich") ? source.outerHTML : "");
      this.name(button, told);
      button.classList.add("copied");
    } catch {
      getSelection()?.selectAllChildren(source);
      told = REFUSED;
    }
    say(told);
    setTimeout(() => {
      this.name(button, this.getAttribute("shown") ?? "Copy");
      button.classList.remove("copied");
      unsay(told);
    }, SHOWN_MS);
  }
}

/** Copy a text, which may be still on its way; with `html`, also with its looks.
 * @param {string | Promise<string>} text @param {string | Promise<string>} html */
export async function copy(text, html) {
  if (navigator.clipboard && window.ClipboardItem) {
    const parts = Object.entries(html ? { "text/plain": text, "text/html": html } : { "text/plain": text });
    const blobs = parts.map(([type, part]) => [type, Promise.resolve(part).then((each) => new Blob([each], { type }))]);
    return navigator.clipboard.write([new ClipboardItem(Object.fromEntries(blobs))]);
  }
  if (navigator.clipboard && !html) return navigator.clipboard.writeText(await text);
  const [plain, looks] = await Promise.all([text, html]);
  // Browsers have a clipboard on https only; this older way works everywhere.
  /** @param {ClipboardEvent} event */
  const fill = (event) => {
    event.preventDefault();
    event.clipboardData?.setData("text/plain", plain);
    if (looks) event.clipboardData?.setData("text/html", looks);
  };
  document.addEventListener("copy", fill, { once: true });
  if (!document.execCommand("copy")) throw new Error("the browser refused to copy");
}

customElements.define("dc-copy", Copy);
