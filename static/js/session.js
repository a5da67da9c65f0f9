// What a page and the server tell each other about the session. <body data-idle>
// is there when somebody is signed in.
const farewells = [];
let leaving = false;

/** Whether the page belongs to a session, and how many seconds it had when the page was made. */
export const idle = typeof document === "undefined" ? NaN : parseInt(document.body.dataset.idle, 10);

/** The path of this page; an answer to a form stands at an address that only takes posts. */
export const path = () => document.body.dataset.path ?? location.pathname;

/** Where this page opens again. Without the fragment: an address that differs in nothing else loads nothing. */
export const again = () => document.body.dataset.path ?? location.pathname + location.search;

/** Seconds that are left, { idle, ends }; null when the session is over. Asking is no activity. */
export async function left() {
  const response = await fetch("/session", { redirect: "manual", signal: AbortSignal.timeout(10_000) });
  if (response.type === "opaqueredirect") return null; // to the sign-in page
  if (!response.ok) throw new Error(`status ${response.status}`);
  return response.json();
}

/** Says that somebody is active here, and what was typed, if anything. */
export async function tell(typed, options) {
  document.dispatchEvent(new CustomEvent("session:told"));
  const response = await fetch("/session/active", {
    method: "POST", body: new URLSearchParams(typed), redirect: "manual", ...options,
  });
  if (response.type === "opaqueredirect") leave();
  return response;
}

/** fn is called, and waited for, before the page goes. */
export const beforeLeaving = (fn) => farewells.push(fn);

/** The session is over: opens the page again, which leads to the sign-in page and back. */
export async function leave() {
  if (leaving) return;
  leaving = true;
  await Promise.allSettled(farewells.map((fn) => fn()));
  location.replace(again());
}
