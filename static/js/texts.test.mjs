import assert from "node:assert/strict";
import test from "node:test";
import { locale, say } from "./texts.js";

test("parts are filled in, in order or by number", () => {
  assert.equal(say("Copied"), "Copied");
  assert.equal(say("%s of %s", 1, 2), "1 of 2");
  assert.equal(say("%[2]s: %[1]s", "a", "$&"), "$&: a");
});

test("times are written as the reader's kind of the page's language does", () => {
  assert.equal(locale("en", ["sv-SE", "en-GB", "en"]), "en-GB");
  assert.equal(locale("fr", ["sv-SE", "en-GB"]), "fr");
});
