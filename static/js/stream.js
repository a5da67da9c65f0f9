// A stream of events that is taken up again whatever ends it. A browser does that by
// itself when a stream breaks off, but never when it was refused, as it is while
// frontdesk has too much to do.
const FIRST = 5_000, LONGEST = 120_000; // ms between two tries: twice as long each time

/** Follows the stream at address: part(data) for each part, end() at its end. close() leaves it. */
export function follow(address, { part, end }) {
  let source, timer, wait = FIRST;
  const open = () => {
    source = new EventSource(address);
    source.addEventListener("part", ({ data }) => {
      wait = FIRST;
      part(data);
    });
    source.addEventListener("end", end);
    source.addEventListener("error", () => {
      if (source.readyState !== EventSource.CLOSED) return; // the browser is at it
      clearTimeout(timer);
      timer = setTimeout(open, wait * (1 + Math.random() / 2)); // not all pages at once
      wait = Math.min(2 * wait, LONGEST);
    });
  };
  open();
  return {
    close() {
      clearTimeout(timer);
      source.close();
    },
  };
}
