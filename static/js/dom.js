/** Calls fn for each match now in the page, and for each that htmx brings later. */
export function each(selector, fn) {
  const visit = (root) => {
    if (root.matches?.(selector)) fn(root);
    for (const found of root.querySelectorAll(selector)) fn(found);
  };
  let whole = true; // htmx first says of the whole page that it is there: it has been visited
  document.addEventListener("htmx:load", ({ target }) => {
    if (!whole || target !== document.body) visit(target);
    else whole = false;
  });
  ready(() => visit(document));
}

/** Calls fn when the document has been parsed. */
export function ready(fn) {
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", fn, { once: true });
  else fn();
}

/** The element that selector names, or null when there is none or the selector is wrong. */
export function find(selector) {
  try {
    return document.querySelector(selector);
  } catch {
    return null;
  }
}

/** Listens for a click on anything that matches, wherever it comes from. */
export function onClick(selector, fn) {
  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target.closest(selector) : null;
    if (target) fn(target, event);
  });
}

/** Gives an element the focus, or the first thing in it that takes it; opens what it is folded into. */
export function reveal(element) {
  for (let fold = element.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  element.focus({ preventScroll: true, focusVisible: true });
  if (!element.contains(document.activeElement)) {
    element.querySelector("button, input:not([type=hidden]), select, textarea, summary, a[href]")?.focus({ preventScroll: true, focusVisible: true });
  }
  element.scrollIntoView({ block: "center" });
}
