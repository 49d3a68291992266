// <dc-source>: the source's field as an editor with findings in the margin and completion. The field stays what the
// form sends, and what is typed in if the editor can't be loaded. Escape closes the completion; Tab leaves.
class Source extends HTMLElement {
  async connectedCallback() {
    const field = /** @type {HTMLTextAreaElement} */ (this.querySelector("textarea"));
    field.addEventListener("dc-line", (event) => goToLine(field, /** @type {CustomEvent<number>} */ (event).detail));
    const { openSource } = await import("./source.js").catch(() => ({ openSource: null }));
    if (!openSource || !this.isConnected) return;
    const place = document.createElement("div");
    place.className = "code";
    field.after(place);
    const words = () => {
      const list = document.querySelector("form[data-choices] [name=list]");
      const asked = new URL(this.dataset.words ?? "", location.href);
      if (list instanceof HTMLSelectElement && list.value) asked.searchParams.set("list", list.value);
      return asked.href;
    };
    this.view = openSource(place.attachShadow({ mode: "open" }), field, words);
    field.hidden = true;
    for (const label of field.labels) label.addEventListener("click", () => this.view?.focus());
  }

  disconnectedCallback() {
    this.view?.destroy();
  }
}

/** @param {HTMLTextAreaElement} field @param {number} line */
function goToLine(field, line) {
  if (field.hidden) return;
  const lines = field.value.split("\n"), start = lines.slice(0, line - 1).join("\n").length + Number(line > 1);
  field.focus();
  field.setSelectionRange(start, start + (lines[line - 1] ?? "").length);
}

customElements.define("dc-source", Source);
