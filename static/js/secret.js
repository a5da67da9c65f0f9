// [data-clear="60"]: a secret that is shown. It leaves the page that many seconds
// after it was copied, and when it may no longer be shown (data-until).
import { now, parseTime } from "./clock.js";
import { each } from "./dom.js";
import { locale as readers, say } from "./texts.js";
import { announce } from "./toast.js";

/** What stands in the place of a secret that may be shown until then, in milliseconds. */
export function instead(until, at, locale, timeZone) {
  if (until <= at) return say("Cleared from this page.");
  const time = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", timeZone }).format(until);
  return say("Cleared from this page. Reload it to see this again until %s.", time);
}

if (typeof document !== "undefined") {
  const ends = new Map(); // element → when it is cleared, by the server's clock
  let timer;

  const clear = (element) => {
    ends.delete(element);
    element.textContent = instead(parseTime(element.dataset.until), now(), readers());
    element.dataset.cleared = "";
    for (const button of document.querySelectorAll("[data-copy]")) {
      if (button.dataset.copy === `#${element.id}`) button.disabled = true;
    }
    return document.getElementById(`${element.id}-label`)?.textContent;
  };

  const tick = () => {
    clearTimeout(timer);
    const over = [...ends.keys()].filter((element) => ends.get(element) <= now());
    if (over.length > 0) announce(say("Cleared from this page: %s.", over.map(clear).join(", ")));
    if (ends.size > 0) timer = setTimeout(tick, Math.max(20, Math.min(...ends.values()) - now()));
  };

  // What holds a copied secret goes with it, such as a command line with the token.
  const copied = (elements) => {
    for (const { dataset, textContent } of elements) {
      const end = now() + Number(dataset.clear) * 1000;
      for (const [other, before] of ends) {
        if (other.textContent.includes(textContent) || textContent.includes(other.textContent)) ends.set(other, Math.min(before, end));
      }
    }
    tick();
  };

  each("[data-clear]", (element) => {
    ends.set(element, parseTime(element.dataset.until));
    tick();
  });
  document.addEventListener("copied", ({ target }) => copied([target].filter((element) => ends.has(element))));
  // Selected and copied by hand.
  document.addEventListener("copy", () => {
    const selection = getSelection();
    copied([...ends.keys()].filter((element) => !selection.isCollapsed && selection.containsNode(element, true)));
  });
  document.addEventListener("visibilitychange", () => document.hidden || tick());
  window.addEventListener("pageshow", tick);
}
