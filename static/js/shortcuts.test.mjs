import assert from "node:assert/strict";
import { test } from "node:test";
import { named } from "./shortcuts.js";

const element = (shortcut, textContent, label = null) => ({ dataset: { shortcut }, textContent, getAttribute: () => label });

test("a shortcut is named as its element is, each key once", () => {
  assert.deepEqual(
    named([element("o", "\n  Open as\n customer "), element("n", "+", "New note"), element("o", "Another"), element("x", " ")]),
    [["o", "Open as customer"], ["n", "New note"]],
  );
});
