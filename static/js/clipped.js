// Cells of a list, and what says data-cut, are cut where there is no room: one that is says
// all of its text when the pointer or the focus comes to it.
const CELL = ".listing td, [data-cut]";

/** The title for a cell, by its widths and its text; "" when all of it is seen. */
export function titleFor(whole, seen, text) {
  return whole > seen ? text.replace(/\s+/g, " ").trim() : "";
}

if (typeof document !== "undefined") {
  const say = ({ target }) => {
    const cell = target instanceof Element ? target.closest(CELL) : null;
    if (!cell) return;
    // The first cell's text is cut in its link, which has a line of its own.
    const cut = [cell, ...cell.querySelectorAll("a, p")].find((e) => e.scrollWidth > e.clientWidth && e.clientWidth > 0);
    const title = cut ? titleFor(cut.scrollWidth, cut.clientWidth, cut.textContent) : "";
    if (title) cell.title = title;
    else cell.removeAttribute("title");
  };
  for (const name of ["pointerover", "focusin"]) document.addEventListener(name, say, { passive: true });
}
