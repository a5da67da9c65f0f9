// <button data-opens="#dialog"> opens a dialog; [data-close] in it and a press
// beside it close it, as Escape does. It is told so by "dialog:open". What is in
// <dialog data-part="/address"> comes from there, when it is first opened.
import htmx from "htmx.org";
import { find, onClick } from "./dom.js";
import { part, said } from "./part.js";
import { toast } from "./toast.js";

let coming = false;

export async function openDialog(dialog) {
  if (!dialog || coming || document.querySelector("dialog:modal")) return;
  if (dialog.dataset.part && !dialog.firstElementChild) {
    coming = true;
    try {
      htmx.swap(dialog, await part(dialog.dataset.part), { swapStyle: "innerHTML" });
    } catch (error) {
      toast(said(error));
      return;
    } finally {
      coming = false;
    }
    if (document.querySelector("dialog:modal")) return; // another was opened meanwhile
  }
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
