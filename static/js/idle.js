// Typing and clicking keep the session alive. A minute before it ends for want of
// them, #idle-notice says so; when it has ended, the page leaves the screen. So it
// does when nobody answers and it must have ended by the page's own clock.
import { say } from "./texts.js";
import { again, idle, leave, left, tell } from "./session.js";
import { announce } from "./toast.js";

const GRACE = 30_000; // milliseconds for a server that restarts, say

if (idle > 0) {
  const warning = Math.min(60, idle / 2); // seconds
  const every = Math.min(60, idle / 4) * 1000 + 500; // just over what the server takes for the same use
  const notice = document.getElementById("idle-notice");
  let told = performance.now(); // loading the page was activity
  let pending; // for activity that came too soon after the last
  let timer;
  let over = told + idle * 1000; // when the session has ended, as far as the page knows
  let blank = false;

  const wait = (seconds) => {
    clearTimeout(timer);
    timer = setTimeout(check, seconds * 1000 + 500);
  };

  const show = (soon) => {
    if (soon && notice.hidden) announce(say("You will be signed out in a minute. Press any key to stay signed in."));
    notice.hidden = !soon;
  };

  // Nothing of what the page held stays in it.
  const clear = () => {
    blank = true;
    const main = document.createElement("main");
    main.className = "flex min-h-dvh flex-col items-center justify-center gap-4 px-4 text-center";
    const text = document.createElement("p");
    text.setAttribute("role", "alert");
    text.textContent = say("You were signed out for safety; frontdesk cannot be reached just now.");
    const link = document.createElement("a");
    link.className = "btn";
    link.href = again();
    link.textContent = say("Try again");
    main.append(text, link);
    document.body.replaceChildren(main);
    document.title = "frontdesk";
  };

  // The server knows: another tab may have kept the session alive, or somebody ended it.
  async function check() {
    let now;
    try {
      now = await left();
    } catch {
      if (!blank && performance.now() > over + GRACE) clear();
      return wait(10);
    }
    if (!now || blank) return leave();
    over = performance.now() + now.idle * 1000;
    const soon = now.idle <= warning;
    show(soon);
    // While the notice stands, another tab can take it back at any time.
    wait(Math.min(soon ? Math.min(now.idle, warning / 6) : now.idle - warning, now.ends));
  }

  const active = async () => {
    clearTimeout(pending);
    pending = undefined;
    try {
      await tell();
    } catch {
      return; // the next key or click tries again
    }
    if (!notice.hidden) check();
  };

  document.addEventListener("session:told", () => {
    told = performance.now();
    over = told + idle * 1000;
  });
  for (const name of ["keydown", "input", "click"]) {
    document.addEventListener(name, (event) => {
      if (!event.isTrusted) return;
      const rest = told + every - performance.now();
      if (rest <= 0) active();
      else pending ??= setTimeout(active, rest);
    }, { capture: true, passive: true });
  }
  document.addEventListener("visibilitychange", () => document.hidden || check());
  window.addEventListener("pageshow", (event) => event.persisted && check());
  wait(Math.max(0, idle - warning));
}
