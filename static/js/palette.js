// The command palette: Ctrl-K, or ⌘K. Choosing leads to an address and nowhere acts.
import htmx from "htmx.org";
import { asker } from "./ask.js";
import { openDialog } from "./dialogs.js";
import { ready } from "./dom.js";
import { focusAct } from "./focus.js";
import { part, said } from "./part.js";
import { say } from "./texts.js";
import { toast } from "./toast.js";

ready(() => {
  const dialog = document.getElementById("palette");
  if (!dialog) return;
  const [field, list, trouble, found] = ["q", "answer", "trouble", "found"].map((name) => document.getElementById(`palette-${name}`));
  const options = () => [...list.querySelectorAll("[role=option]")];
  const active = () => list.querySelector("[aria-selected=true]");
  let leaving = false;

  const activate = (option) => {
    active()?.setAttribute("aria-selected", "false");
    option?.setAttribute("aria-selected", "true");
    if (option) field.setAttribute("aria-activedescendant", option.id);
    else field.removeAttribute("aria-activedescendant");
  };
  // By the keyboard: what is active is in sight, the first one with its heading.
  const move = (option) => {
    activate(option);
    option?.scrollIntoView({ block: "nearest" });
    if (option && option === options()[0]) option.closest("[role=listbox]").scrollTop = 0;
  };

  function go(option) {
    if (!option || leaving) return;
    const to = new URL(option.href);
    if (to.hash && to.pathname + to.search === location.pathname + location.search && !document.body.dataset.path) { // an act on this very page
      dialog.close();
      history.replaceState(history.state, "", to);
      if (!focusAct(to.hash)) toast(say("This customer's page does not offer that now."));
      return;
    }
    leaving = true;
    location.assign(to);
  }

  const asking = asker({
    ask: (text) => part(`/palette?${new URLSearchParams({ q: text, on: dialog.dataset.on })}`),
    show(html) {
      trouble.hidden = true;
      htmx.swap(list, html, { swapStyle: "innerHTML" });
      move(options()[0]);
      found.textContent = list.querySelector("[data-found]")?.dataset.found ?? "";
    },
    open: () => go(active()),
    fail(error) {
      trouble.textContent = said(error);
      trouble.hidden = false;
    },
  });

  dialog.addEventListener("dialog:open", () => {
    leaving = false;
    field.value = "";
    field.focus();
    asking.begin("");
  });
  dialog.addEventListener("close", () => {
    asking.end();
    list.querySelector("[role=listbox]").replaceChildren(); // nobody sees last time's answer flash by
    found.textContent = "";
    activate();
  });
  // Back from where it led to: the browser shows this page as it was left.
  window.addEventListener("pageshow", ({ persisted }) => persisted && dialog.close());

  field.addEventListener("input", () => asking.type(field.value.trim()));
  field.addEventListener("keydown", (event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const all = options();
    const at = all.indexOf(active());
    const to = { ArrowDown: all[at + 1] ?? all[0], ArrowUp: all[at - 1] ?? all.at(-1), Home: all[0], End: all.at(-1) }[event.key];
    if (to) {
      event.preventDefault();
      move(to);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (!event.repeat) asking.enter(); // it may be held down since the palette was opened with it
    }
  });

  list.addEventListener("pointermove", ({ target }) => {
    const option = target.closest("[role=option]");
    if (option && option !== active()) activate(option);
  });
  list.addEventListener("pointerdown", (event) => event.button === 0 && event.preventDefault()); // the field keeps the focus
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (!option || event.ctrlKey || event.metaKey || event.shiftKey) return; // a link as any other
    event.preventDefault();
    go(option);
  });

  const apple = /Mac|iPhone|iPad/.test(navigator.platform);
  document.addEventListener("keydown", (event) => {
    const pressed = apple ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey;
    if (!pressed || event.altKey || event.shiftKey || event.key.toLowerCase() !== "k") return;
    event.preventDefault();
    if (event.repeat) return;
    if (dialog.open) dialog.close();
    else openDialog(dialog);
  });
});
