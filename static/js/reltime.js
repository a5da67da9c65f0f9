// <time datetime data-relative>: "12 minutes ago". <time datetime data-local>: exact, in the reader's zone.
// <time datetime data-clock>: "14:32", of the present day.
import { now, parseTime } from "./clock.js";
import { each } from "./dom.js";
import { locale as readers, say } from "./texts.js";

const units = [
  ["second", 1000, 45],
  ["minute", 60_000, 45],
  ["hour", 3_600_000, 22],
  ["day", 86_400_000, 26],
  ["month", 2_629_800_000, 11],
  ["year", 31_557_600_000, Infinity],
];

// To make a format takes longer than to use it a hundred times.
const formats = new Map();

function formatOf(Kind, locale, options) {
  const key = Kind.name + locale + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Kind(locale, options));
  return formats.get(key);
}

/** How far ms lies behind (negative) or ahead, in words. */
export function relative(ms, locale) {
  const format = formatOf(Intl.RelativeTimeFormat, locale, { numeric: "auto" });
  if (Math.abs(ms) < 5000) return say("just now");
  for (const [unit, size, limit] of units) {
    const n = Math.round(ms / size);
    if (Math.abs(n) < limit) return format.format(n || Math.sign(ms), unit);
  }
}

/** The date and the time to the second, with the zone. */
export function exact(ms, locale, timeZone) {
  return formatOf(Intl.DateTimeFormat, locale, {
    year: "numeric", month: "short", day: "numeric",
    hour: "2-digit", minute: "2-digit", second: "2-digit",
    timeZoneName: "short", timeZone,
  }).format(ms);
}

/** The time of day to the minute. */
export function clock(ms, locale, timeZone) {
  return formatOf(Intl.DateTimeFormat, locale, { hour: "2-digit", minute: "2-digit", timeZone }).format(ms);
}

if (typeof document !== "undefined") {
  const set = (element) => {
    const at = parseTime(element.dateTime ?? "");
    if (Number.isNaN(at)) return;
    if ("relative" in element.dataset) {
      element.textContent = relative(at - now(), readers());
      element.title = exact(at, readers());
    } else if ("clock" in element.dataset) {
      element.textContent = clock(at, readers());
      element.title = exact(at, readers());
    } else {
      element.textContent = exact(at, readers());
    }
  };
  each("time[data-relative], time[data-local], time[data-clock]", set);
  const refresh = () => {
    if (!document.hidden) document.querySelectorAll("time[data-relative]").forEach(set);
  };
  setInterval(refresh, 30_000);
  document.addEventListener("visibilitychange", refresh);
  window.addEventListener("pageshow", refresh);
}
