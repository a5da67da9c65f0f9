// <button data-reveal="#id">: shows what is typed in a password input, and hides it again.
import { find, onClick } from "./dom.js";

function set(button, input, shown) {
  input.type = shown ? "text" : "password";
  button.setAttribute("aria-pressed", String(shown));
  button.querySelectorAll("[data-reveal-show]").forEach((e) => e.toggleAttribute("hidden", shown));
  button.querySelectorAll("[data-reveal-hide]").forEach((e) => e.toggleAttribute("hidden", !shown));
}

onClick("[data-reveal]", (button, event) => {
  event.preventDefault();
  const input = find(button.dataset.reveal);
  if (!(input instanceof HTMLInputElement) || !["password", "text"].includes(input.type)) return;
  const at = input.selectionStart;
  set(button, input, input.type === "password");
  input.setSelectionRange(at, at);
});

// Sent as a password, so that no browser remembers it as ordinary text.
document.addEventListener("submit", (event) => {
  document.querySelectorAll("[data-reveal][aria-pressed=true]").forEach((button) => {
    const input = find(button.dataset.reveal);
    if (input && event.target.contains(input)) set(button, input, false);
  });
}, true);
