// The source view's editor: CodeMirror in a shadow root, which needs no inline style in the page. It is a file of its
// own, loaded when a source view is opened: `const { openSource } = await import("./source.js")`.
import { autocompletion, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { lintGutter } from "@codemirror/lint";
import { search, searchKeymap } from "@codemirror/search";
import { EditorView, keymap, lineNumbers } from "@codemirror/view";

/**
 * Show an editor in a shadow root, with the text of a field.
 * @param {ShadowRoot} root @param {HTMLTextAreaElement} field @param {import("@codemirror/state").Extension[]} extensions
 */
export function openSource(root, field, extensions = []) {
  return new EditorView({
    doc: field.value,
    root,
    parent: root,
    extensions: [
      lineNumbers(),
      history(),
      lintGutter(),
      search({ top: true }),
      autocompletion(),
      EditorView.lineWrapping,
      keymap.of([...completionKeymap, ...defaultKeymap, ...historyKeymap, ...searchKeymap]),
      EditorView.contentAttributes.of({ "aria-label": field.labels[0]?.textContent ?? "Source" }),
      ...extensions,
    ],
  });
}
