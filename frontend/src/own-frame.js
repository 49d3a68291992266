// Loads the email as it was typed into a spare frame, then shows it: a new frame is no step of the browser's history,
// and it is filled by a form, as its page has a policy of its own and no script can reach in.

const LONGEST_MS = 8_000;
let count = 0;

/** @param {HTMLFormElement} form */
export async function showTyped(form) {
  const old = /** @type {HTMLIFrameElement} */ (form.querySelector("iframe:not(.spare)"));
  const spare = document.createElement("iframe");
  spare.setAttribute("sandbox", "");
  spare.title = old.title;
  spare.name = `email-${++count}`;
  spare.className = "spare";
  old.after(spare);
  const loaded = new Promise((resolve) => {
    spare.addEventListener("load", () => resolve(true), { once: true });
    setTimeout(() => resolve(false), LONGEST_MS);
  });
  const sent = document.createElement("form");
  Object.assign(sent, { hidden: true, method: "post", target: spare.name, action: form.dataset.preview });
  for (const [name, value] of new FormData(form)) {
    if (typeof value !== "string") continue;
    const field = document.createElement("textarea");
    Object.assign(field, { name, value });
    sent.append(field);
  }
  document.body.append(sent);
  sent.submit();
  sent.remove();
  if (!(await loaded)) return spare.remove();
  spare.className = "";
  old.remove();
}
