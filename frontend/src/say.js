// What scripts tell people: read aloud by screen readers, and on the desk shown at the foot of the page.

/** @param {string} text */
export function say(text) {
  const place = document.getElementById("said");
  if (place && place.textContent !== text) place.textContent = text;
}

/** Take a text away, if it is still the one that is shown. @param {string} text */
export function unsay(text) {
  const place = document.getElementById("said");
  if (place?.textContent === text) place.textContent = "";
}
