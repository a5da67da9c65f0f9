// <button data-dialog="#id"> opens that <dialog>; [data-close] inside closes it; Escape does so by itself.
// <dialog data-dialog-open> opens as soon as it is on the page (a form that came back with messages).
import { each, find, onClick } from "./dom.js";

onClick("[data-dialog]", (opener, event) => {
  const dialog = find(opener.dataset.dialog);
  if (!(dialog instanceof HTMLDialogElement)) return; // a link goes where it says
  event.preventDefault();
  show(dialog);
});

onClick("dialog [data-close]", (closer, event) => {
  event.preventDefault();
  closer.closest("dialog").close();
});

each("dialog[data-dialog-open]", show);

function show(dialog) {
  if (dialog.matches(":modal")) return;
  if (dialog.open) dialog.close(); // it was <dialog open>, for pages without scripts
  dialog.showModal();
}
