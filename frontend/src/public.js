// What a toolkit's public page loads.
import "./dc-copy.js";
import { recall } from "./own-kept.js";

// The pictures' form begins with what was typed for an email.
const form = /** @type {HTMLFormElement | null} */ (document.querySelector("form[data-recall]"));
const hint = form?.querySelector("#logo-hint");
if (form && recall(form) && hint && new FormData(form).get("logo")) hint.textContent = form.dataset.recall ?? "";
