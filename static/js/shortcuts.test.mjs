import assert from "node:assert/strict";
import { test } from "node:test";
import { named } from "./shortcuts.js";

// What an element needs of the DOM: hidden is the part of its text that is only to be seen.
const element = (shortcut, text, label = null, { hidden = "", labels } = {}) => ({
  dataset: { shortcut }, labels, getAttribute: () => label,
  cloneNode: () => {
    const copy = { textContent: text + hidden, querySelectorAll: () => [{ remove: () => (copy.textContent = text) }] };
    return copy;
  },
});

test("a shortcut is named as its element is, each key once", () => {
  assert.deepEqual(
    named([element("o", "\n  Open as\n customer "), element("n", "+", "New note"), element("o", "Another"), element("x", " ")]),
    [["o", "Open as customer"], ["n", "New note"]],
  );
  assert.deepEqual(
    named([element("p", "E-mail passcode", null, { hidden: "P" }), element("v", "", null, { labels: [{ textContent: "Code from the SMS" }] })]),
    [["p", "E-mail passcode"], ["v", "Code from the SMS"]],
  );
});
