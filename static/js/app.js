// Everything here makes pages quicker or kinder; no page needs it to work.
import "./trusted.js"; // before htmx, which parses
import htmx from "htmx.org";
import "./ahead.js";
import "./announce.js";
import "./busy.js";
import "./carry.js";
import "./clipped.js";
import "./cooldown.js";
import "./copy.js";
import "./countdown.js";
import "./dialogs.js";
import "./errors.js";
import "./draft.js";
import "./focus.js";
import "./idle.js";
import "./keys.js";
import "./live.js";
import "./menu.js";
import "./palette.js";
import "./paste.js";
import "./reltime.js";
import "./says.js";
import "./secret.js";
import "./shortcuts.js";
import "./sms.js";
import "./theme.js";
import { say } from "./texts.js";
import { toast, UNREACHABLE } from "./toast.js";

// <meta name="htmx-config"> is merged over these when the document is ready.
Object.assign(htmx.config, {
  allowEval: false,
  allowScriptTags: false,
  includeIndicatorStyles: false,
  selfRequestsOnly: true,
  // Pages hold customers' data and, once, their keys: none of it goes into the
  // browser's storage. Going back asks the server.
  historyCacheSize: 0,
  refreshOnHistoryMiss: true,
  // These answers carry a page that says what happened: show it.
  responseHandling: [
    { code: "204", swap: false },
    { code: "[23]..", swap: true },
    { code: "^(401|403|422|429|502|504)$", swap: true, error: false },
    { code: "...", swap: false, error: true },
  ],
});

for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, () => toast(UNREACHABLE));
}

document.addEventListener("htmx:responseError", ({ detail: { xhr } }) => {
  if (xhr.status === 503 && xhr.getResponseHeader("Content-Type")?.startsWith("text/plain")) return toast(xhr.responseText.trim());
  const id = xhr.getResponseHeader("X-Request-Id");
  toast([say("frontdesk could not answer this (error %s). Reload the page and try again.", xhr.status), id && say("Request %s.", id)].filter(Boolean).join(" "));
});
