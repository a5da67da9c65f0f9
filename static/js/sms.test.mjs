import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { duration, explain, fill, measure, preview, sample, whole } from "./sms.js";

const gsm = (n) => "a".repeat(n);

test("every {0} becomes the code at its full length", () => {
  assert.equal(fill("{0} is your code: {0}", 4, true), "4719 is your code: 4719");
  assert.equal(fill("no place", 5, true), "no place");
  assert.equal(fill("$& {0} $1", 3, true), "$& 471 $1");
  assert.equal(sample(25, false).length, 25);
  assert.match(sample(25, true), /^\d{25}$/);
  assert.match(sample(25, false), /[A-Z]/);
});

// The cases that the server's preview is held to as well (web/desk/sms_parts_test.go).
const { sizes, previews } = JSON.parse(readFileSync(new URL("../../web/desk/testdata/sms_parts.json", import.meta.url)));

for (const { name, text, words, ...want } of sizes) {
  test(name, () => {
    const size = measure(text);
    assert.deepEqual(size, { ...want, forced: want.encoding === "GSM" ? null : want.forced });
    if (words) assert.equal(explain(size), words);
  });
}

for (const { name, defaults, typed, want } of previews) {
  test(name, () => {
    const numeric = typed.numeric === "" ? defaults.numeric : typed.numeric === "true";
    const shown = preview(
      { message_format: typed.format, length: typed.length, expiration_time: typed.expiration, numeric_only: numeric },
      defaults,
    );
    assert.deepEqual(shown, {
      preview: want.text,
      parts: `${want.parts} SMS`,
      encoding: want.encoding,
      expiry: duration(want.expiration),
      warning: want.noPlace ? "The message needs {0}, where the code goes." : "",
    });
  });
}

test("the basic table has 127 characters and no escape", () => {
  let n = 0;
  for (let c = 0; c < 0x2030; c++) if (measure(String.fromCharCode(c)).encoding === "GSM") n++;
  assert.equal(n, 127 + 9); // the euro sign lies above
  assert.equal(measure("\x1b").encoding, "Unicode");
  assert.equal(measure("ç").encoding, "Unicode");
  assert.equal(measure("`").encoding, "Unicode");
});

test("the first character that forces Unicode is named", () => {
  assert.equal(measure("kod: świat 😀").forced, "ś");
  assert.match(explain(measure("kod ś")), /^“ś” makes this a Unicode message: 5 of 70/);
  assert.match(explain(measure("a\u00a0b")), /^The character U\+00A0 makes/);
  assert.match(explain(measure("😀")), /^“😀” makes/);
  assert.equal(explain(measure(gsm(161))), "GSM characters: 161 of 306");
});

test("what the form shows", () => {
  const defaults = { format: "Your code is {0}", length: 5, expiration: 1200 };
  const blank = { message_format: " ", length: "", expiration_time: "", numeric_only: true };
  assert.deepEqual(preview(blank, defaults), {
    preview: "Your code is 47193",
    parts: "1 SMS",
    encoding: "GSM characters: 18 of 160",
    expiry: "20 minutes",
    warning: "",
  });
  const typed = { message_format: "Your code", length: "300", expiration_time: "5430", numeric_only: false };
  const shown = preview(typed, defaults);
  assert.equal(shown.warning, "The message needs {0}, where the code goes.");
  assert.equal(shown.expiry, "1 hour 30 minutes 30 seconds");
  assert.equal(preview({ ...typed, message_format: "{0}" }, defaults).preview.length, 25);
});

test("numbers and durations", () => {
  assert.equal(whole(" 7 ", 5), 7);
  assert.equal(whole("x", 5), 5);
  assert.equal(whole("-1", 5), 5);
  assert.equal(duration(1), "1 second");
  assert.equal(duration(86400), "1 day");
  assert.equal(duration(0), "0 seconds");
});
