// The sheet of shortcuts: "?" opens it. What the page itself has is named by its
// own [data-shortcut] elements.
import { ready } from "./dom.js";
import { say } from "./texts.js";
import { keep } from "./theme.js";

// What an element is called: by its label, or its text without what is only to be seen, as a key is.
function nameOf(element) {
  const label = element.getAttribute("aria-label") ?? element.labels?.[0]?.textContent;
  if (label) return label;
  const copy = element.cloneNode(true);
  for (const unsaid of copy.querySelectorAll("[aria-hidden=true]")) unsaid.remove();
  return copy.textContent;
}

/** Keys and names of what can be reached, each key once: [["o", "Open as customer"]]. */
export function named(elements) {
  const all = new Map();
  for (const element of elements) {
    const name = nameOf(element).replace(/\s+/g, " ").trim();
    if (name && !all.has(element.dataset.shortcut)) all.set(element.dataset.shortcut, name);
  }
  return [...all];
}

if (typeof document !== "undefined") {
  ready(() => {
    const sheet = document.getElementById("shortcuts");
    sheet?.addEventListener("dialog:open", () => {
      const mine = document.getElementById("page-shortcuts");
      const all = named(document.querySelectorAll("[data-shortcut]"));
      mine.hidden = all.length === 0;
      mine.querySelector("dl").replaceChildren(...all.flatMap(([key, name]) => {
        const [term, keys, kbd] = ["dt", "dd", "kbd"].map((tag) => document.createElement(tag));
        term.className = "min-w-0 text-muted";
        term.textContent = name;
        keys.className = "flex justify-end";
        kbd.className = "kbd kbd-sm";
        kbd.textContent = key.toUpperCase();
        keys.append(kbd);
        return [term, keys];
      }));
    });
  });

  document.addEventListener("submit", (event) => {
    const form = event.target.closest?.("form[data-keys-form]");
    const choice = event.submitter?.value;
    if (!form || !choice) return;
    event.preventDefault();
    if (choice === "off") document.documentElement.dataset.keys = "off";
    else delete document.documentElement.dataset.keys;
    keep(form, event.submitter, say("Your choice could not be kept. It holds until you leave this page."));
  });
}
