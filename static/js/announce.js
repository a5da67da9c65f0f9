// [data-announce] in what htmx brings is said to screen readers, once for each
// change: a region that is itself replaced would be said each time, or never.
import { announce } from "./toast.js";

let said;

document.addEventListener("htmx:load", ({ target }) => {
  const text = (target.matches?.("[data-announce]") ? target : target.querySelector?.("[data-announce]"))?.textContent.replace(/\s+/g, " ").trim();
  if (!text || text === said) return;
  if (said !== undefined) announce(text); // not what the page was opened with
  said = text;
});
