// How our own scripts ask the server: with the token that changes need, and a time limit.
import { say } from "./say.js";

export { say };

/** The header that an unsafe request needs. @param {string} method @returns {Record<string, string>} */
export function csrfHeader(method) {
  const meta = document.querySelector('meta[name="csrf-token"]');
  const safe = /^(get|head)$/i.test(method);
  return safe || !meta ? {} : { "X-CSRFToken": /** @type {HTMLMetaElement} */ (meta).content };
}

/** Ask the server; it answers 401 if the session has ended. @param {string} address @param {RequestInit} [options] */
export function ask(address, options = {}) {
  const headers = { "HX-Request": "true", ...csrfHeader(options.method ?? "GET"), ...options.headers };
  return fetch(address, { cache: "no-store", signal: AbortSignal.timeout(20_000), ...options, headers });
}

/** Say that an answer was an error; 0 is no answer. @param {number} status */
export function trouble(status) {
  if (status === 401) say("You have been signed out. Sign in again in another tab, then repeat this here.");
  else if (!status || status >= 500) say("That did not work: the server did not answer. Please try again.");
}
