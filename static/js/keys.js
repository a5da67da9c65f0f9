// "/" focuses [data-search], Escape empties it; "?" opens the sheet of shortcuts; "g" and
// then a letter follows the link with data-key="g h"; a letter alone leads to what has it as
// its data-shortcut, and presses nothing. <html data-keys="off"> turns it all off (WCAG 2.1.4).
import { openDialog } from "./dialogs.js";
import { find, reveal } from "./dom.js";

const PAUSE = 1500; // milliseconds between the two keys
let since = -Infinity;

const typing = (element) =>
  element instanceof HTMLElement &&
  (element.isContentEditable || element.matches("input, textarea, select, [role=textbox], [role=combobox]"));

document.addEventListener("keydown", (event) => {
  if (document.documentElement.dataset.keys === "off") return;
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;

  const target = event.target;
  if (event.key === "Escape" && target instanceof HTMLInputElement && target.matches("[data-search]")) {
    if (target.value === "") {
      target.blur();
      return;
    }
    event.preventDefault();
    target.value = "";
    target.dispatchEvent(new Event("input", { bubbles: true }));
    return;
  }
  if (typing(target) || document.querySelector("dialog:modal")) return;

  if (event.key === "/") {
    const search = find("#finder [name=q]") ?? find("[data-search]");
    if (!search) return;
    event.preventDefault();
    search.focus();
    search.select();
    return;
  }
  if (event.repeat) return;
  if (event.key === "?") {
    event.preventDefault();
    openDialog(document.getElementById("shortcuts"));
    return;
  }
  if (event.shiftKey) return;
  if (event.key === "g") {
    since = event.timeStamp;
    return;
  }
  const waiting = event.timeStamp - since < PAUSE;
  since = -Infinity;
  if (!/^[a-z]$/.test(event.key)) return;
  const to = document.querySelector(waiting ? `a[data-key="g ${event.key}"]` : `[data-shortcut="${event.key}"]`);
  if (!to) return;
  event.preventDefault();
  if (to.matches("a[href]")) to.click();
  else reveal(to);
});
