import assert from "node:assert/strict";
import { test } from "node:test";
import { isOld } from "./ahead.js";

test("a page that was fetched ahead is shown while it is fresh", () => {
  assert.equal(isOld("2026-11-22T03:00:00.123456789Z", "Sun, 22 Nov 2026 03:00:00 GMT"), false);
  assert.equal(isOld("2026-11-22T03:00:00Z", "Sun, 22 Nov 2026 03:00:29 GMT"), false);
  assert.equal(isOld("2026-11-22T03:00:00Z", "Sun, 22 Nov 2026 03:00:31 GMT"), true);
  assert.equal(isOld("2026-11-22T03:00:00Z", null), false);
});
