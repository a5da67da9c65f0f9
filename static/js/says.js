// [data-says]: of its sentences, the latest whose time has come (data-from) is shown.
import { now, parseTime } from "./clock.js";

/** The index of the sentence to say, by the times from which each holds. */
export function present(froms, at) {
  const next = froms.findIndex((from, i) => i > 0 && from > at);
  return next < 0 ? froms.length - 1 : next - 1;
}

if (typeof document !== "undefined") {
  const tick = () => {
    for (const box of document.querySelectorAll("[data-says]")) {
      const sentences = [...box.querySelectorAll("[data-from]")];
      const shown = present(sentences.map((s) => parseTime(s.dataset.from)), now());
      sentences.forEach((s, i) => {
        if (s.hidden !== (i !== shown)) s.hidden = i !== shown;
      });
    }
  };
  setInterval(tick, 5000);
  document.addEventListener("visibilitychange", () => document.hidden || tick());
}
