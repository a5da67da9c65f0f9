import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTime, skewAfter, skewOf } from "./clock.js";
import { remaining } from "./countdown.js";
import { clock, exact, relative } from "./reltime.js";
import { present } from "./says.js";
import { instead } from "./secret.js";
import { themeFor } from "./theme.js";

test("RFC 3339 with nanoseconds", () => {
  assert.equal(parseTime("2026-11-22T03:00:00.123456789Z"), Date.UTC(2026, 10, 22, 3, 0, 0, 123));
  assert.equal(parseTime("2026-11-22T03:00:00+01:00"), Date.UTC(2026, 10, 22, 2));
  assert.ok(Number.isNaN(parseTime("soon")));
});

test("the server's clock, by the page", () => {
  const server = Date.UTC(2026, 10, 22, 3);
  // The page came two seconds ago; the reader's clock is an hour behind, whatever it was when the browser started.
  assert.equal(skewOf(server, server + 2000 - 3_600_000, 2500, 500), 3_600_000);
  assert.equal(skewOf(server, server, 2500, 0), 0); // no navigation timing: taken as just now
});

test("the server's clock, by later answers", () => {
  const now = Date.UTC(2026, 10, 22, 3);
  assert.equal(skewAfter(400, now - 900, now), 400); // cut to the second, and some time on its way
  assert.equal(skewAfter(0, now - 2000, now), 0);
  assert.equal(skewAfter(0, now + 3_600_000, now), 3_600_000); // the reader's clock was set back
  assert.equal(skewAfter(3_600_000, now, now), 0);
  assert.equal(skewAfter(5, NaN, now), 5);
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

test("what to tell the caller", () => {
  assert.equal(present([0, 100, 200], 99), 0);
  assert.equal(present([0, 100, 200], 100), 1);
  assert.equal(present([0, 100, 200], 250), 2);
  assert.equal(present([500], 100), 0); // there is always something to say
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
