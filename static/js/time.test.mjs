import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTime } from "./clock.js";
import { remaining } from "./countdown.js";
import { clock, exact, relative } from "./reltime.js";
import { instead } from "./secret.js";
import { themeFor } from "./theme.js";

test("RFC 3339 with nanoseconds", () => {
  assert.equal(parseTime("2026-11-22T03:00:00.123456789Z"), Date.UTC(2026, 10, 22, 3, 0, 0, 123));
  assert.equal(parseTime("2026-11-22T03:00:00+01:00"), Date.UTC(2026, 10, 22, 2));
  assert.ok(Number.isNaN(parseTime("soon")));
});

test("what is left", () => {
  assert.equal(remaining(299_000), "4:59");
  assert.equal(remaining(298_001), "4:59");
  assert.equal(remaining(-1), "0:00");
  assert.equal(remaining(3_899_000), "1:04:59");
  assert.equal(remaining(86_400_000 * 2 + 3_600_000 * 3), "2 d 3 h");
});

test("how long ago", () => {
  assert.equal(relative(-1000, "en"), "just now");
  assert.equal(relative(-12 * 60_000, "en"), "12 minutes ago");
  assert.equal(relative(-50_000, "en"), "1 minute ago");
  assert.equal(relative(50 * 60_000, "en"), "in 1 hour");
  assert.equal(relative(-23 * 3_600_000, "en"), "yesterday");
  assert.equal(relative(-29 * 86_400_000, "en"), "last month");
  assert.equal(relative(-400 * 86_400_000, "en"), "last year");
  assert.equal(relative(-12 * 60_000, "de"), "vor 12 Minuten");
});

test("the exact time names its zone", () => {
  assert.match(exact(Date.UTC(2026, 10, 22, 3), "en-GB", "UTC"), /22 Nov 2026.*03:00:00 UTC/);
});

test("the time of day", () => {
  assert.equal(clock(Date.UTC(2026, 10, 22, 14, 32, 59), "en-GB", "UTC"), "14:32");
});

test("themes", () => {
  assert.equal(themeFor("dark"), "frontdesk-dark");
  assert.equal(themeFor("frontdesk-light"), "frontdesk-light");
  assert.equal(themeFor("system"), null);
  assert.equal(themeFor(""), null);
});

test("what stands in the place of a secret", () => {
  const at = Date.UTC(2026, 10, 22, 14, 25), until = Date.UTC(2026, 10, 22, 14, 32);
  assert.equal(instead(until, at, "en-GB", "UTC"), "Cleared from this page. Reload it to see this again until 14:32.");
  assert.equal(instead(until, until, "en-GB", "UTC"), "Cleared from this page.");
});
