// form[data-sms]: what the message will look like, and how many SMS it takes.
import { each } from "./dom.js";
import { locale as readers, say } from "./texts.js";

// GSM 03.38: the basic table without its escape, and the extension, whose characters take two places.
const BASIC = new Set(
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
  "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà",
);
const EXTENSION = new Set("\f^{}\\[~]|€");

/** The code's place filled: every {0} in format, with a code of that length. */
export function fill(format, length, numeric) {
  return format.replaceAll("{0}", () => sample(length, numeric));
}

/** A made-up code: as long as the real one, and in its alphabet. */
export function sample(length, numeric) {
  return (numeric ? "4719382605" : "4K7P9X2M6R").repeat(Math.ceil(length / 10)).slice(0, length);
}

/**
 * How a text travels: { encoding: "GSM" | "Unicode", units, parts, forced }.
 * units are septets or UTF-16 units; forced is the first character outside GSM 03.38.
 */
export function measure(text) {
  const characters = [...text];
  const forced = characters.find((c) => !BASIC.has(c) && !EXTENSION.has(c)) ?? null;
  // One part's size alone, and each part's among several; a character is never split over two.
  const [single, each] = forced === null ? [160, 153] : [70, 67];
  const sizes = characters.map((c) => (forced === null ? (EXTENSION.has(c) ? 2 : 1) : c.length));
  const units = sizes.reduce((sum, n) => sum + n, 0);
  let parts = units === 0 ? 0 : 1;
  if (units > single) {
    let used = 0;
    for (const n of sizes) {
      if (used + n > each) {
        parts++;
        used = 0;
      }
      used += n;
    }
  }
  return { encoding: forced === null ? "GSM" : "Unicode", units, parts, forced };
}

/** The sentence below the preview. */
export function explain({ encoding, units, parts, forced }) {
  if (encoding === "GSM") {
    return say("GSM characters: %s of %s", units, parts > 1 ? parts * 153 : 160);
  }
  const name = /\s/.test(forced) || /\p{C}/u.test(forced)
    ? say("The character %s", `U+${forced.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`)
    : `“${forced}”`;
  return say("%s makes this a Unicode message: %s of %s characters", name, units, parts > 1 ? parts * 67 : 70);
}

/** "20 minutes", "1 hour 30 seconds": how long a code is good for. */
export function duration(seconds, locale = "en") {
  const out = [];
  const write = (n, unit) => new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "long" }).format(n);
  for (const [unit, size] of [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]]) {
    const n = Math.floor(seconds / size);
    seconds -= n * size;
    if (n > 0) out.push(write(n, unit));
  }
  return out.join(" ") || write(0, "second");
}

/** A whole number from a field, or the default when it is blank or none. */
export function whole(text, fallback) {
  const value = text.trim();
  return /^\d{1,6}$/.test(value) ? Number(value) : fallback;
}

/**
 * What the form shows: values as typed, defaults from its data-default-… attributes.
 * Fields: preview, parts, encoding, expiry, warning ("" when there is none).
 */
export function preview(values, defaults, locale) {
  const format = values.message_format.trim() === "" ? defaults.format : values.message_format;
  // As iP1 limits it; an unfinished "300" must not make a page of digits.
  const length = Math.min(25, whole(values.length, defaults.length));
  const text = fill(format, length, values.numeric_only).replace(/\r\n?/g, "\n");
  const size = measure(text);
  return {
    preview: text,
    parts: size.parts === 1 ? "1 SMS" : `${size.parts} SMS`,
    encoding: explain(size),
    expiry: duration(whole(values.expiration_time, defaults.expiration), locale),
    warning: format.includes("{0}") ? "" : say("The message needs {0}, where the code goes."),
  };
}

if (typeof document !== "undefined") {
  const update = (form) => {
    const field = (name) => form.elements.namedItem(name);
    const value = (name) => field(name)?.value ?? "";
    const numeric = field("numeric_only");
    const data = form.dataset;
    const shown = preview(
      {
        message_format: value("message_format"),
        length: value("length"),
        expiration_time: value("expiration_time"),
        numeric_only: numeric?.type === "checkbox" ? numeric.checked
          : ["true", "on", "1"].includes(numeric?.value || data.defaultNumeric),
      },
      {
        format: data.defaultFormat || "{0}",
        length: whole(data.defaultLength ?? "", 5),
        expiration: whole(data.defaultExpiration ?? "", 1200),
      },
      readers(),
    );
    const write = (selector, text) => {
      for (const element of form.querySelectorAll(selector)) {
        if (element.textContent !== text) element.textContent = text;
      }
    };
    write("[data-sms-preview]", shown.preview);
    write("[data-sms-parts]", shown.parts);
    write("[data-sms-encoding]", shown.encoding);
    write("[data-sms-expiry]", shown.expiry);
    write("[data-sms-warning]", shown.warning);
    write("[data-sms-from]", value("from").trim() || data.defaultFrom || "iP1");
    write("[data-sms-phone]", value("phone").trim());
    for (const element of form.querySelectorAll("[data-sms-warning]")) element.hidden = shown.warning === "";
  };
  // While iP1 would refuse the number for certain, there is nothing to press.
  const hold = (form) => {
    const button = form.querySelector("button:not([type])");
    const full = form.querySelector("[data-sms-full]") !== null;
    if (full === ("smsHeld" in button.dataset)) return; // what busy.js does with it stays
    button.disabled = full;
    if (full) button.dataset.smsHeld = "";
    else delete button.dataset.smsHeld;
  };
  each("form[data-sms]", update);
  each("form[data-sms]", hold);
  document.addEventListener("htmx:afterSwap", () => document.querySelectorAll("form[data-sms]").forEach(hold));
  for (const name of ["input", "change"]) {
    document.addEventListener(name, (event) => {
      const form = event.target.closest?.("form[data-sms]");
      if (form) update(form);
    });
  }
  document.addEventListener("reset", (event) => {
    if (event.target.matches("form[data-sms]")) setTimeout(() => update(event.target));
  });
}
