// What the elements of the editor share: the form that is being written, and what was typed into it.
import { ask } from "./ask.js";

/** The form that saves by itself, on the page where a newsletter is written. */
export function writtenForm() {
  return /** @type {HTMLFormElement | null} */ (document.querySelector("form[data-autosave]"));
}

/** The fields of a form as the server gets them, without files. @param {HTMLFormElement} form */
export function fieldsOf(form) {
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (typeof value === "string") fields.append(name, value);
  return fields;
}

let here = "";
document.addEventListener("focusin", ({ target }) => {
  const name = target instanceof Element && target.closest("form[data-autosave]") && target.getAttribute("name");
  if (name) here = name;
});

/** What is typed now, and in which field or line, so that the preview can show that place. */
export function typedFields() {
  const form = writtenForm();
  if (!form) return null;
  const fields = fieldsOf(form);
  fields.set("here", here);
  const { line } = /** @type {HTMLElement | undefined} */ (form.elements.namedItem("text"))?.dataset ?? {};
  if (line) fields.set("line", line);
  return fields;
}

/** The choices of the preview: list, width, dark. */
export function choices() {
  const form = /** @type {HTMLFormElement | null} */ (document.querySelector("form[data-choices]"));
  return form ? fieldsOf(form) : new URLSearchParams();
}

/** Ask about what is typed now. @param {string} address */
export function askTyped(address) {
  const url = new URL(address, location.href);
  for (const [name, value] of choices()) if (name !== "language") url.searchParams.set(name, value);
  return ask(url.href, { method: "POST", body: typedFields() ?? undefined });
}

/** Whether something changed in what is written. @param {Event} event */
export function isWriting(event) {
  return event.target instanceof Element && !!event.target.closest("form[data-autosave]");
}

/**
 * A task that runs once at a time; asked for meanwhile, it runs once more, with what is newest then.
 * @param {() => Promise<number | void>} task returns after how many ms it should run again, if at all
 */
export function oneAtATime(task) {
  let running = false, again = false, timer = 0;
  /** @param {number} ms */
  const soon = (ms) => {
    timer ||= window.setTimeout(() => {
      timer = 0;
      run();
    }, ms);
  };
  const run = async () => {
    if (running) {
      again = true;
      return;
    }
    running = true;
    again = false;
    const wait = await task().catch(() => 2_000);
    running = false;
    if (wait !== undefined || again) soon(wait ?? 0);
  };
  return { soon, later: (/** @type {number} */ ms) => { clearTimeout(timer); timer = 0; soon(ms); } };
}
