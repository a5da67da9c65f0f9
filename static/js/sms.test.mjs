import assert from "node:assert/strict";
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

for (const [name, text, want] of [
  ["nothing", "", ["GSM", 0, 0]],
  ["160 GSM characters", gsm(160), ["GSM", 160, 1]],
  ["161 GSM characters", gsm(161), ["GSM", 161, 2]],
  ["306 fill two parts", gsm(306), ["GSM", 306, 2]],
  ["307 need a third", gsm(307), ["GSM", 307, 3]],
  ["an extension character takes two", gsm(158) + "€", ["GSM", 160, 1]],
  ["… and makes the 161st", gsm(159) + "€", ["GSM", 161, 2]],
  ["… and is not split over two parts", gsm(152) + "€" + gsm(152), ["GSM", 306, 3]],
  ["the whole basic table", "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ ¤¡ÄÖÑÜ§¿äöñüà", ["GSM", 45, 1]],
  ["the whole extension", "\f^{}\\[~]|€", ["GSM", 20, 1]],
  ["70 Unicode characters", "ś" + gsm(69), ["Unicode", 70, 1]],
  ["71 Unicode characters", "ś" + gsm(70), ["Unicode", 71, 2]],
  ["134 fill two parts", "ś" + gsm(133), ["Unicode", 134, 2]],
  ["135 need a third", "ś" + gsm(134), ["Unicode", 135, 3]],
  ["an emoji takes two", "😀" + gsm(68), ["Unicode", 70, 1]],
  ["… and is not split over two parts", gsm(66) + "😀" + gsm(66), ["Unicode", 134, 3]],
]) {
  test(name, () => {
    const { encoding, units, parts } = measure(text);
    assert.deepEqual([encoding, units, parts], want);
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
