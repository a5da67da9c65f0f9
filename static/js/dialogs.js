// <button data-opens="#dialog"> opens a dialog; [data-close] in it and a press
// beside it close it, as Escape does. It is told so by "dialog:open".
import { find, onClick } from "./dom.js";

export function openDialog(dialog) {
  if (!dialog || document.querySelector("dialog:modal")) return;
  dialog.showModal();
  dialog.dispatchEvent(new CustomEvent("dialog:open"));
}

if (typeof document !== "undefined") {
  onClick("[data-opens]", (button) => openDialog(find(button.dataset.opens)));
  onClick("[data-close]", (button) => button.closest("dialog").close());
  // The content covers the dialog, so what is pressed on the dialog itself is its backdrop.
  let pressed;
  document.addEventListener("pointerdown", ({ target }) => (pressed = target));
  document.addEventListener("click", ({ target }) => {
    if (target === pressed && target instanceof HTMLDialogElement) target.close();
  });
}
