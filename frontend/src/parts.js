// Puts what has changed of a page in its place: elements with `data-live` and an id, if the server's are others.

const TOKENS = 'input[name="csrf_token"]';

/** Put the parts in `html` in their places; returns the `data-said` of those whose is another. @param {string} html */
export function putParts(html) {
  const said = [];
  for (const fresh of new DOMParser().parseFromString(html, "text/html").querySelectorAll("[data-live]")) {
    const old = document.getElementById(fresh.id);
    if (!old) continue;
    // Each answer has a token of its own, and all of them are good.
    const token = /** @type {HTMLInputElement | null} */ (old.querySelector(TOKENS))?.value;
    if (token) for (const input of [old, fresh].flatMap((part) => [...part.querySelectorAll(TOKENS)])) input.setAttribute("value", token);
    if (old.isEqualNode(fresh)) continue;
    const { said: text } = /** @type {HTMLElement} */ (fresh).dataset;
    if (text && text !== old.dataset.said) said.push(text);
    replace(old, document.adoptNode(/** @type {HTMLElement} */ (fresh)));
  }
  return said.join(" ");
}

/** Replace a part; the focus stays on its link or button. @param {HTMLElement} old @param {HTMLElement} fresh */
function replace(old, fresh) {
  const focus = old.contains(document.activeElement) ? document.activeElement : null;
  old.replaceWith(fresh);
  if (!focus) return;
  /** @param {Element} each */
  const name = (each) => each.getAttribute("href") ?? each.textContent;
  const same = [...fresh.querySelectorAll(focus.tagName)].find((each) => name(each) === name(focus));
  if (!same) fresh.tabIndex = -1;
  /** @type {HTMLElement} */ (same ?? fresh).focus();
}
