// <dc-tabs>: on a narrow screen one part of the editor at a time: Write, Look or Fix. On a wide one all are seen.
class Tabs extends HTMLElement {
  connectedCallback() {
    for (const link of this.links) {
      link.addEventListener("click", (event) => {
        event.preventDefault();
        this.open(link.hash.slice(1));
      });
    }
    document.addEventListener("dc-go", (event) => {
      const part = /** @type {CustomEvent<Element>} */ (event).detail.closest("#write, #look, #fix");
      if (part) this.open(part.id);
    });
    const asked = document.getElementById(location.hash.slice(1))?.closest("#write, #look, #fix");
    this.open(asked?.id ?? "write");
  }

  get links() {
    return /** @type {NodeListOf<HTMLAnchorElement>} */ (this.querySelectorAll(".parts a"));
  }

  /** @param {string} name */
  open(name) {
    this.dataset.open = name;
    for (const link of this.links) {
      if (link.hash === `#${name}`) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    document.dispatchEvent(new CustomEvent("dc-tab"));
  }
}

customElements.define("dc-tabs", Tabs);
