import { say } from "./texts.js";

export const UNREACHABLE = say("frontdesk could not be reached. Check your connection and try again.");

let timer;

/** Shows a message in #live-toast for ten seconds; a new one replaces the old. */
export function toast(message) {
  const region = document.getElementById("live-toast");
  if (!region) return;
  const box = document.createElement("div");
  box.className = "alert alert-error";
  box.textContent = message;
  region.replaceChildren(box);
  clearTimeout(timer);
  timer = setTimeout(() => region.replaceChildren(), 10_000);
}

/** Says something to screen readers through #live. */
export function announce(message) {
  const region = document.getElementById("live");
  if (!region) return;
  region.textContent = "";
  // A region that gets the same text twice stays silent, unless it was empty in between.
  setTimeout(() => (region.textContent = message), 50);
}
