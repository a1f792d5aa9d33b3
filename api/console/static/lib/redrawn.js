// What is drawn anew keeps what its reader had done to it: where they are by keyboard, and what they had opened and shut.

const REACHED = "a[href], button, input, select, textarea, summary, [tabindex]";
const SUMMARY = "details > summary";

/** What somebody knows an element by; numbers in it may have changed meanwhile. @param {Element} one */
const knownBy = (one) => [one.tagName, one.getAttribute("href") ?? "", one.getAttribute("name") ?? "", one.getAttribute("aria-label") ?? "", one.hasAttribute("href") ? "" : (one.textContent ?? "").replaceAll(/[\d.,:]+/g, "#").slice(0, 80)].join("|");

/** What is opened, by what it belongs to: many say the same. @param {Element} one */
const openedBy = (one) => `${knownBy(one)}|${one.closest("tr, li")?.textContent ?? ""}`;

/** Those that are known by this. @param {Element} place @param {string} kind @param {string} known */
const alike = (place, kind, known, by = knownBy) => [...place.querySelectorAll(kind)].filter((one) => by(one) === known);

/**
 * Draws the place anew. Whoever was within it by keyboard is where they were; at its beginning if that is gone, or there
 * are several of it: nobody shall press on another's.
 * @param {HTMLElement} place @param {() => void} draw
 */
export function redrawn(place, draw) {
  const here = document.activeElement;
  const isWithin = here !== null && here !== place && place.contains(here);
  const known = isWithin ? knownBy(here) : "";
  const before = [...place.querySelectorAll(SUMMARY)].map((one) => ({ text: openedBy(one), nth: alike(place, SUMMARY, openedBy(one), openedBy).indexOf(one), isOpen: Boolean(one.parentElement?.hasAttribute("open")) }));
  draw();
  for (const { text, nth, isOpen } of before) alike(place, SUMMARY, text, openedBy)[nth]?.parentElement?.toggleAttribute("open", isOpen);
  if (!isWithin || place.contains(document.activeElement)) return;
  const [there, other] = alike(place, REACHED, known);
  place.tabIndex = -1;
  (there instanceof HTMLElement && !other ? there : place).focus({ preventScroll: true });
}
