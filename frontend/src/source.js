// The source view's editor: CodeMirror in a shadow root, which needs no inline style in the page. It is a file of its
// own, loaded when a source view is opened.
import { autocompletion, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { search, searchKeymap } from "@codemirror/search";
import { EditorView, keymap, lineNumbers } from "@codemirror/view";
import { wordsAt } from "./source-words.js";

/** Colours are those of the page, light and dark. */
const looks = EditorView.theme({
  "&": { color: "var(--text)", backgroundColor: "var(--field)", border: "1.5px solid var(--edge)", borderRadius: "9px", fontSize: "0.9375rem" },
  "&.cm-focused": { outline: "3px solid var(--focus, var(--link))", outlineOffset: "1px" },
  ".cm-scroller": { fontFamily: "ui-monospace, Menlo, Consolas, monospace", lineHeight: "1.5", minHeight: "24rem", maxHeight: "75vh" },
  ".cm-content": { caretColor: "var(--text)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { color: "var(--muted)", backgroundColor: "var(--surface)", border: "0" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground, .cm-content ::selection": { backgroundColor: "light-dark(#bfe0d4, #2f5a4c)" },
  ".cm-tooltip, .cm-panels": { color: "var(--text)", backgroundColor: "var(--surface)", border: "1px solid var(--edge)" },
  ".cm-tooltip-autocomplete > ul > li": { padding: "0.3rem 0.5rem", minHeight: "24px" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { color: "var(--on-primary)", backgroundColor: "var(--primary)" },
  ".cm-completionInfo": { maxWidth: "22rem", whiteSpace: "pre-wrap" },
  ".cm-diagnostic": { padding: "0.4rem 0.6rem" },
});

/**
 * Show an editor in a shadow root in place of a field, which is kept in step.
 * @param {ShadowRoot} root @param {HTMLTextAreaElement} field @param {() => string} words the address of what can be completed
 */
export function openSource(root, field, words) {
  const view = new EditorView({
    doc: field.value,
    root,
    parent: root,
    extensions: [
      lineNumbers(),
      history(),
      lintGutter(),
      search({ top: true }),
      autocompletion({ override: [wordsAt(words)] }),
      EditorView.lineWrapping,
      // Tab is not among the keys: it leaves the editor.
      keymap.of([...completionKeymap, ...lintKeymap, ...defaultKeymap, ...historyKeymap, ...searchKeymap]),
      EditorView.contentAttributes.of({ tabindex: "0", "aria-label": field.labels[0]?.textContent ?? "Source", spellcheck: "true", lang: field.lang || "" }),
      looks,
      EditorView.updateListener.of((update) => {
        field.dataset.line = String(update.state.doc.lineAt(update.state.selection.main.head).number);
        if (!update.docChanged) return;
        field.value = update.state.doc.toString();
        field.dispatchEvent(new Event("input", { bubbles: true }));
      }),
    ],
  });
  field.addEventListener("dc-line", (event) => {
    const { from, to } = lineOf(view, /** @type {CustomEvent<number>} */ (event).detail);
    view.dispatch({ selection: { anchor: from, head: to }, effects: EditorView.scrollIntoView(from, { y: "center" }) });
    view.focus();
  });
  document.addEventListener("dc-found", (event) => {
    const found = /** @type {CustomEvent<{line: number, severity: "error" | "warning", message: string}[]>} */ (event).detail;
    const placed = found.filter(({ line }) => line).map(({ line, ...rest }) => ({ ...rest, ...lineOf(view, line) }));
    view.dispatch(setDiagnostics(view.state, placed.sort((one, other) => one.from - other.from)));
  });
  return view;
}

/** @param {EditorView} view @param {number} line */
function lineOf(view, line) {
  return view.state.doc.line(Math.min(Math.max(line, 1), view.state.doc.lines));
}
