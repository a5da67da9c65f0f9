// An address that ends in "#act-…" leads to an act: what acts has the focus, and
// whatever it is folded into is open. Nothing acts by itself.
import { ready, reveal } from "./dom.js";

/** Focuses what a fragment names; false when it names no act on this page. */
export function focusAct(fragment) {
  const act = /^#act-[a-z-]+$/.test(fragment) && document.getElementById(fragment.slice(1));
  if (!act) return false;
  reveal(act);
  return act.contains(document.activeElement); // one that is hidden takes no focus
}

if (typeof document !== "undefined") {
  ready(() => focusAct(location.hash));
  window.addEventListener("hashchange", () => focusAct(location.hash));

  // A key that is held down from the page before must not press it.
  document.addEventListener("keydown", (event) => {
    if (event.repeat && (event.key === "Enter" || event.key === " ") && event.target.closest?.("[id^='act-']")) event.preventDefault();
  }, true);
}
