// <time data-countdown="2026-11-22T03:00:00Z" data-done="Expired">12 min</time>
import { now, parseTime } from "./clock.js";
import { each } from "./dom.js";
import { say } from "./texts.js";

/** "4:59", "1:04:59", "2 d 3 h": what is left, rounded up to the second. */
export function remaining(ms) {
  const total = Math.max(0, Math.ceil(ms / 1000));
  const days = Math.floor(total / 86400);
  const hours = Math.floor((total % 86400) / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  const seconds = String(total % 60).padStart(2, "0");
  if (days > 0) return say("%s d %s h", days, hours);
  if (hours > 0) return `${hours}:${String(minutes).padStart(2, "0")}:${seconds}`;
  return `${minutes}:${seconds}`;
}

if (typeof document !== "undefined") {
  const running = new Map(); // element → deadline
  let timer;

  const show = (element, text) => {
    if (element.textContent !== text) element.textContent = text;
  };

  const finish = (element) => {
    show(element, element.dataset.done ?? "0:00");
    element.dataset.over = "";
  };

  const tick = () => {
    for (const [element, deadline] of running) {
      if (!element.isConnected) {
        running.delete(element);
        continue;
      }
      const left = deadline - now();
      if (left > 0) {
        show(element, remaining(left));
        continue;
      }
      running.delete(element);
      finish(element);
      element.dispatchEvent(new CustomEvent("countdown:done", { bubbles: true }));
    }
    clearTimeout(timer);
    if (running.size === 0) return;
    // The next full second of the soonest one, so that none shows a second late.
    const next = Math.min(...[...running.values()].map((deadline) => {
      const left = deadline - now();
      return left > 0 ? left % 1000 || 1000 : 0;
    }));
    timer = setTimeout(tick, Math.max(20, next + 5));
  };

  each("[data-countdown]", (element) => {
    const deadline = parseTime(element.dataset.countdown);
    if (Number.isNaN(deadline)) return;
    // Over already when it came: says so, but sends no event, which a page
    // that reloads on countdown:done would answer for ever.
    if (deadline <= now()) return finish(element);
    running.set(element, deadline);
    tick();
  });

  document.addEventListener("visibilitychange", () => document.hidden || tick());
  window.addEventListener("pageshow", tick);
}
