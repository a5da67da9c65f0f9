// A part of a page, asked for behind its back.
import { say } from "./texts.js";
import { UNREACHABLE } from "./toast.js";

/** The HTML at an address of ours; it never comes when the session has ended, as the sign-in page does. */
export async function part(address) {
  const response = await fetch(address, {
    headers: { "HX-Request": "true", "HX-Current-URL": location.href },
    signal: AbortSignal.timeout(10_000),
  });
  const elsewhere = response.headers.get("HX-Redirect"); // to the sign-in page
  if (elsewhere) {
    location.assign(elsewhere);
    return new Promise(() => {});
  }
  if (!response.ok) throw new Error(say("frontdesk could not answer this (error %s). Reload the page and try again.", response.status));
  return response.text();
}

/** What to tell the reader when it did not come. */
export const said = (error) => (error instanceof TypeError || error.name === "TimeoutError" ? UNREACHABLE : error.message);
