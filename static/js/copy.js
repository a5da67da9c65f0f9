// <button data-copy="#id">: copies that element's value or text.
import { find, onClick } from "./dom.js";
import { say } from "./texts.js";
import { announce, toast } from "./toast.js";

const restore = new WeakMap();

onClick("[data-copy]", async (button, event) => {
  event.preventDefault();
  const source = find(button.dataset.copy);
  if (!source) return;
  const text = "value" in source && typeof source.value === "string" ? source.value : source.textContent.trim();
  if (!(await write(text))) {
    toast(say("Your browser did not allow copying. Select the text and copy it by hand."));
    return;
  }
  announce(say("Copied"));
  confirm(button);
  source.dispatchEvent(new CustomEvent("copied", { bubbles: true }));
});

async function write(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return byHand(text); // plain http, or permission refused
  }
}

function byHand(text) {
  const area = document.createElement("textarea");
  area.value = text;
  area.readOnly = true;
  area.className = "sr-only";
  // Inside an open dialog, or the browser would not let it take the focus.
  const focused = document.activeElement;
  (focused?.closest("dialog") ?? document.body).append(area);
  area.select();
  let done = false;
  try {
    done = document.execCommand("copy");
  } catch {
    // done stays false
  }
  area.remove();
  focused?.focus();
  return done;
}

// Changes the label for 2 s: the [data-copy-label] inside, or the text of a
// button without an icon. A button of an icon alone only gets data-copied.
function confirm(button) {
  const label = button.querySelector("[data-copy-label]") ?? (button.firstElementChild ? null : button);
  const before = restore.get(button);
  if (before) clearTimeout(before.timer);
  const text = before?.text ?? label?.textContent;
  if (label) label.textContent = say("Copied");
  button.dataset.copied = "";
  restore.set(button, {
    text,
    timer: setTimeout(() => {
      if (label) label.textContent = text;
      delete button.dataset.copied;
      restore.delete(button);
    }, 2000),
  });
}
