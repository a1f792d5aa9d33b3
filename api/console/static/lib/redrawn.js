// What is drawn anew keeps what its reader had done to it: where they are by keyboard, and what they had opened.

const REACHED = "a[href], button, input, select, textarea, summary, [tabindex]";
const [SUMMARY, OPENED] = ["details > summary", "details[open] > summary"];

/** What somebody knows an element by; numbers in it may have changed meanwhile. @param {Element} one */
const knownBy = (one) => [one.tagName, one.getAttribute("href") ?? "", one.getAttribute("name") ?? "", one.getAttribute("aria-label") ?? "", one.hasAttribute("href") ? "" : (one.textContent ?? "").replaceAll(/[\d.,:]+/g, "#").slice(0, 80)].join("|");

/** @typedef {{known: string, nth: number}} Spot what is known by the same may be there more than once */

/** @param {Element} place @param {string} kind @param {Element} one @returns {Spot} */
function spotOf(place, kind, one) {
  const known = knownBy(one);
  return { known, nth: [...place.querySelectorAll(kind)].filter((other) => knownBy(other) === known).indexOf(one) };
}

/** @param {Element} place @param {string} kind @param {Spot} spot */
const at = (place, kind, { known, nth }) => [...place.querySelectorAll(kind)].filter((one) => knownBy(one) === known)[nth];

/**
 * Draws the place anew. Whoever was within it by keyboard is where they were, or at its beginning if that is gone.
 * @param {HTMLElement} place @param {() => void} draw
 */
export function redrawn(place, draw) {
  const here = document.activeElement;
  const spot = here && here !== place && place.contains(here) ? spotOf(place, REACHED, here) : null;
  const opened = [...place.querySelectorAll(OPENED)].map((one) => spotOf(place, SUMMARY, one));
  draw();
  for (const one of opened) at(place, SUMMARY, one)?.parentElement?.setAttribute("open", "");
  if (!spot || place.contains(document.activeElement)) return;
  const there = at(place, REACHED, spot);
  place.tabIndex = -1;
  (there instanceof HTMLElement ? there : place).focus({ preventScroll: true });
}
