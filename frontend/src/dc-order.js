// <dc-order>: the pieces in it can be dragged by their grip; a drop presses the button of "Move to…".
import Sortable from "sortablejs";
import { say } from "./ask.js";

class Order extends HTMLElement {
  /** @type {Sortable[]} */
  lists = [];

  connectedCallback() {
    for (const list of /** @type {NodeListOf<HTMLElement>} */ (this.querySelectorAll("[data-list]"))) {
      this.lists.push(new Sortable(list, {
        group: list.dataset.holds || "anything",
        handle: ".grip",
        draggable: '.listed:not([data-at="0"])',
        forceFallback: true, // the browser's own dragging has no keyboard, no touch, and no scrolling
        onEnd: (event) => this.drop(event.item),
      }));
    }
    const done = document.querySelector(".said [role=status]");
    if (done) say(done.textContent ?? "");
  }

  disconnectedCallback() {
    for (const list of this.lists.splice(0)) list.destroy();
  }

  /** @param {HTMLElement} item */
  drop(item) {
    // What is left of the drag's styles would be copied by a swap, and refused by the page's policy.
    for (const each of document.querySelectorAll('[style=""]')) each.removeAttribute("style");
    const at = item.dataset.at ?? "";
    const to = this.placeOf(item);
    if (to === at || to === after(at)) return;
    const button = document.createElement("button");
    button.hidden = true;
    button.name = "what";
    button.value = `move ${at} to ${to}`;
    this.append(button);
    this.closest("form")?.requestSubmit(button);
  }

  /** The path of a place: of the piece that is now next, or behind the last. @param {HTMLElement} item */
  placeOf(item) {
    const [next, before] = [item.nextElementSibling, item.previousElementSibling];
    if (next instanceof HTMLElement && next.dataset.at) return next.dataset.at;
    if (before instanceof HTMLElement && before.dataset.at) return after(before.dataset.at);
    return `${item.parentElement?.dataset.list}.0`;
  }
}

/** The path behind a piece. @param {string} path */
function after(path) {
  return path.replace(/\d+$/, (last) => String(Number(last) + 1));
}

customElements.define("dc-order", Order);
