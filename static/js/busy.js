// form[data-once]: one press, one request. The server guards against doing an
// act twice; this keeps the second press from being sent at all.
const busy = new Map(); // form → { button, timer }

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-once]")) return;
  if (busy.has(form)) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }
}, true);

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-once]") || busy.has(form)) return;
  const byHtmx = form.closest("[hx-boost='true']") ||
    form.matches("[hx-get], [hx-post], [hx-put], [hx-patch], [hx-delete]");
  if (event.defaultPrevented && !byHtmx) return; // somebody else stopped it
  const pressed = event.submitter?.matches("[data-stand-in]") ? form.querySelector(".btn-primary") : event.submitter;
  const button = pressed ?? form.querySelector("button:not([type]), [type=submit]");
  const opens = event.submitter?.getAttribute("formtarget") ?? form.target;
  const state = { button };
  busy.set(form, state);
  button?.setAttribute("aria-busy", "true");
  button?.classList.add("is-busy");
  // Next tick: a button disabled now would take its own name and value out of what is sent.
  setTimeout(() => {
    if (button && busy.get(form) === state) button.disabled = true;
  });
  if (opens && opens !== "_self") state.timer = setTimeout(() => restore(form), 2000);
});

function restore(form) {
  const state = busy.get(form);
  if (!state) return;
  busy.delete(form);
  clearTimeout(state.timer);
  state.button?.removeAttribute("aria-busy");
  state.button?.classList.remove("is-busy");
  if (state.button) state.button.disabled = false;
}

document.addEventListener("htmx:afterRequest", (event) => {
  for (const form of [...busy.keys()]) {
    if (form === event.detail.elt || !form.isConnected) restore(form);
  }
});

// Back from the next page: the browser shows this one as it was left.
window.addEventListener("pageshow", () => [...busy.keys()].forEach(restore));
