// A page that the browser fetched ahead changed nothing when it was fetched. Once it
// is shown, the server is told that somebody is here, and says what the time is; what
// has become old meanwhile is asked for anew.
import { fetchedAhead, parseTime, setBy } from "./clock.js";
import { idle, tell } from "./session.js";

const FRESH = 30_000; // milliseconds, between the page and its being shown

/** Whether a page that was made then is too old to be shown now; both are RFC 3339 or an answer's Date. */
export function isOld(made, now) {
  return Date.parse(now) - parseTime(made) > FRESH;
}

if (typeof document !== "undefined" && idle > 0 && fetchedAhead()) {
  const shown = async () => {
    const date = (await tell()).headers.get("Date");
    setBy(date);
    if (isOld(document.querySelector('meta[name="server-time"]').content, date)) location.reload();
  };
  shown().catch(() => {}); // nobody answers: the next key or click tells
}
