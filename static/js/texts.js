// Texts in the page's language. English stands where it is used and is the key;
// pages in another language bring theirs in #texts.
const own = typeof document === "undefined" ? {} : JSON.parse(document.getElementById("texts")?.textContent ?? "{}");

/** A text with its parts filled in, one for each %s; %[2]s is the second. */
export function say(english, ...parts) {
  let next = 0;
  return (own[english] ?? english).replace(/%(?:\[(\d+)\])?s/g, (_, n) => parts[n ? n - 1 : next++]);
}

/** The reader's own kind of the page's language ("en-GB"), for times and numbers. */
export function locale(page = document.documentElement.lang, readers = navigator.languages) {
  return readers.find((reader) => reader.split("-")[0] === page) ?? page;
}
