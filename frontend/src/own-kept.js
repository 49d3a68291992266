// What somebody typed about their organisation, kept in this browser for the next email; nobody else gets it.

const KEPT = "daisychain.yours";
const FIELDS = ["name", "accent", "intro", "address", "charity_number", "reply", "website", "logo", "logo_printed", "tool"];

function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null; // a browser that keeps nothing: the form works all the same
  }
}

/** @param {HTMLFormElement} form */
export function keep(form) {
  const typed = new FormData(form);
  const ours = FIELDS.filter((name) => typed.get(name)).map((name) => [name, typed.get(name)]);
  try {
    localStorage.setItem(KEPT, JSON.stringify(Object.fromEntries(ours)));
  } catch {
    return;
  }
  offerToForget(form);
}

/** Fill in what was typed on another day or for another email; returns whether there was something.
 * @param {HTMLFormElement} form */
export function recall(form) {
  offerToForget(form);
  if (new FormData(form).get("name") || !kept()) return false;
  const values = JSON.parse(kept() ?? "{}");
  for (const name of FIELDS) {
    const field = /** @type {HTMLInputElement | RadioNodeList | null} */ (form.elements.namedItem(name));
    if (field && values[name]) field.value = values[name];
    else if (values[name] && name.startsWith("logo")) {
      const hidden = document.createElement("input");
      Object.assign(hidden, { type: "hidden", name, value: values[name] });
      form.querySelector("#logo-live")?.append(hidden);
    }
  }
  return true;
}

/** @param {HTMLFormElement} form */
function offerToForget(form) {
  const place = form.querySelector("dc-forget");
  if (!place || place.firstChild || !kept()) return;
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "button quiet", textContent: "Forget what I typed" });
  button.addEventListener("click", () => {
    localStorage.removeItem(KEPT);
    location.assign(location.pathname + location.search); // and not what was posted
  });
  place.append(button);
}
