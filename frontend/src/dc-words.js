// <dc-words>: buttons above a text that write its signs of Markdown: bold, italic, a link, a list, the first name.

/** Label, name, and what is written before and after what is selected. @type {[string, string, string, string][]} */
const BUTTONS = [
  ["B", "Bold", "**", "**"],
  ["I", "Italic", "*", "*"],
  ["Link", "Link", "[", "](https://)"],
  ["List", "List", "\n- ", "\n"],
  ["First name", "First name", '{{ member.first_name | default("friend") }}', ""],
];

class Words extends HTMLElement {
  connectedCallback() {
    const field = this.querySelector("textarea");
    if (!field || this.querySelector("[role=toolbar]")) return;
    const bar = document.createElement("div");
    bar.setAttribute("role", "toolbar");
    bar.setAttribute("aria-label", `Write in ${field.labels[0]?.textContent ?? "the text"}`);
    for (const [label, name, before, behind] of BUTTONS) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "act";
      button.textContent = label;
      button.ariaLabel = name;
      button.addEventListener("click", () => write(field, before, behind));
      bar.append(button);
    }
    this.prepend(bar);
  }
}

/** Write signs around what is selected. @param {HTMLTextAreaElement} field @param {string} before @param {string} behind */
function write(field, before, behind) {
  const chosen = field.value.slice(field.selectionStart, field.selectionEnd);
  const start = field.selectionStart + before.length;
  field.focus();
  // The only way that the browser's own undo knows of; it also lets others hear that something was typed.
  if (!document.execCommand("insertText", false, before + chosen + behind)) field.setRangeText(before + chosen + behind);
  field.setSelectionRange(start, start + chosen.length);
}

customElements.define("dc-words", Words);
