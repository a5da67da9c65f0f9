// The server's clock: a countdown must not depend on how the reader's is set.
let skew = 0; // milliseconds that the server is ahead

if (typeof document !== "undefined") {
  const meta = document.querySelector('meta[name="server-time"]');
  const server = meta ? parseTime(meta.content) : NaN;
  if (!Number.isNaN(server)) {
    // The page was written just before its first byte arrived, not when this script ran.
    const [nav] = performance.getEntriesByType("navigation");
    const arrived = nav?.responseStart ? performance.timeOrigin + nav.responseStart : Date.now();
    skew = server - arrived;
  }
}

/** Milliseconds since the epoch, by the server's clock. */
export const now = () => Date.now() + skew;

/** Parses RFC 3339 with any number of fractional digits; NaN when it is not a time. */
export function parseTime(text) {
  return Date.parse(text.trim().replace(/(\.\d{3})\d+/, "$1"));
}
