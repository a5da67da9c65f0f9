// The server's clock: a countdown must not depend on how the reader's is set.
let skew = 0; // milliseconds that the server is ahead

/**
 * How far the server is ahead, by a time that it wrote just before the first byte of its page arrived.
 * now is the reader's clock; sinceStart and firstByte are of the performance clock, which stands still
 * while the machine sleeps: only what lies between the two counts, never timeOrigin.
 */
export function skewOf(server, now, sinceStart, firstByte) {
  return server - (now - (firstByte ? sinceStart - firstByte : 0));
}

/** The skew after an answer dated so, which is cut to the second: changed only when it is plainly wrong. */
export function skewAfter(skew, date, now) {
  const off = date - now - skew;
  return Number.isNaN(off) || (off > -3000 && off < 2000) ? skew : date - now;
}

/** Whether the browser fetched the page before anybody asked for it, and showed it later. */
export const fetchedAhead = () => performance.getEntriesByType("navigation")[0]?.deliveryType === "navigational-prefetch";

/** Takes the server's time from an answer's Date. */
export function setBy(date) {
  skew = skewAfter(skew, Date.parse(date ?? ""), Date.now());
}

if (typeof document !== "undefined") {
  const meta = document.querySelector('meta[name="server-time"]');
  const server = meta ? parseTime(meta.content) : NaN;
  // A page that was fetched ahead tells when that was; ahead.js asks what the time is.
  if (!Number.isNaN(server) && !fetchedAhead()) {
    const [nav] = performance.getEntriesByType("navigation");
    skew = skewOf(server, Date.now(), performance.now(), nav?.responseStart);
  }
  // A page stays open all day; the reader's clock may be set meanwhile, or after a sleep.
  document.addEventListener("htmx:afterRequest", ({ detail: { xhr } }) => {
    setBy(xhr?.getResponseHeader("Date"));
  });
}

/** Milliseconds since the epoch, by the server's clock. */
export const now = () => Date.now() + skew;

/** Parses RFC 3339 with any number of fractional digits; NaN when it is not a time. */
export function parseTime(text) {
  return Date.parse(text.trim().replace(/(\.\d{3})\d+/, "$1"));
}
