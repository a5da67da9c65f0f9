import assert from "node:assert/strict";
import { test } from "node:test";
import { titleFor } from "./clipped.js";

test("a cell that is cut says all of its text", () => {
  assert.equal(titleFor(200, 150, " Quince &\n Plum Orchards "), "Quince & Plum Orchards");
  assert.equal(titleFor(150, 150, "Quince"), "");
});
