// htmx under a policy that allows no eval and no inline style; history and focus stay the browser's.
import { csrfHeader, trouble } from "./ask.js";

const settings = {
  includeIndicatorCSS: false,
  history: false,
  // Answers that are not put into the page: it keeps what it has, and what was typed.
  noSwap: [204, 304, 401, "5xx"],
  defaultTimeout: 20_000,
};
const meta = document.createElement("meta");
meta.name = "htmx-config";
meta.content = JSON.stringify(settings);
document.head.append(meta);

/** @param {string} name @param {(detail: any) => void} hear */
function on(name, hear) {
  document.addEventListener(name, (event) => hear(/** @type {CustomEvent} */ (event).detail));
}

on("htmx:config:request", ({ ctx }) => {
  Object.assign(ctx.request.headers, csrfHeader(ctx.request.method));
});
on("htmx:response:error", ({ ctx }) => trouble(ctx.response.status));
on("htmx:error", () => trouble(0));
