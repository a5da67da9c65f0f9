// form[data-draft]: what is typed is kept by the server, so that the end of the
// session takes nothing away. Secrets stay here: type=password and data-secret.
// A page that says that a form may have been carried out, [data-unknown], keeps
// nothing: to give it back as a draft would invite to send it twice.
import { each } from "./dom.js";
import { beforeLeaving, idle, path, tell } from "./session.js";

const PAUSE = 2000; // milliseconds after the last key

if (idle > 0 && !document.querySelector("[data-unknown]")) {
  const untouched = new WeakMap(); // form → its fields as they came
  const kept = new WeakMap(); // form → its fields as the server has them
  const waiting = new Map(); // form → timer
  const sending = new WeakMap(); // form → AbortController

  const read = (form) => {
    const secret = new Set([...form.elements].filter((e) => e.type === "password" || "secret" in e.dataset).map((e) => e.name));
    const fields = [...new FormData(form)].filter(([name, value]) => typeof value === "string" && !secret.has(name));
    return new URLSearchParams(fields).toString();
  };

  const cancel = (form) => {
    clearTimeout(waiting.get(form));
    waiting.delete(form);
  };

  const keep = async (form, options) => {
    cancel(form);
    const now = read(form);
    if (now === kept.get(form) || form.isConnected === false) return; // htmx has brought another in its place
    kept.set(form, now);
    const abort = new AbortController();
    sending.set(form, abort);
    try {
      await tell({ path: path(), post: form.getAttribute("action"), form: now === untouched.get(form) ? "" : now },
        { signal: abort.signal, ...options });
    } catch {
      kept.delete(form); // so that it is sent again with the next key
    }
  };

  const later = (form, pause) => {
    cancel(form);
    waiting.set(form, setTimeout(keep, pause, form));
  };

  each("form[data-draft]", (form) => {
    // The form that just failed: what is in it was typed.
    if (document.body.dataset.path && form.getAttribute("action") === location.pathname) return later(form, 0);
    if ("typed" in form.dataset) return later(form, 0); // or was filled in from it
    const now = read(form);
    untouched.set(form, now);
    kept.set(form, now);
  });

  for (const name of ["input", "change"]) {
    document.addEventListener(name, (event) => {
      const form = event.target.form;
      if (form?.matches("[data-draft]")) later(form, PAUSE);
    });
  }

  // What is sent is no draft any more, and one on its way must not come after it.
  document.addEventListener("submit", ({ target: form, defaultPrevented }) => {
    if (defaultPrevented || !form.matches("form[data-draft]")) return;
    cancel(form);
    sending.get(form)?.abort();
    kept.delete(form);
  });

  // The page goes, with something typed a moment ago.
  const flush = () => Promise.allSettled([...waiting.keys()].map((form) => keep(form, { keepalive: true })));
  beforeLeaving(flush);
  window.addEventListener("pagehide", flush);
}
