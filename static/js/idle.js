// Typing and clicking keep the session alive. A minute before it ends for want of
// them, #idle-notice says so; when it has ended, the page leaves the screen.
import { idle, leave, left, tell } from "./session.js";
import { announce } from "./toast.js";

if (idle > 0) {
  const warning = Math.min(60, idle / 2); // seconds
  const every = Math.min(60, idle / 4) * 1000 + 500; // just over what the server takes for the same use
  const notice = document.getElementById("idle-notice");
  let told = performance.now(); // loading the page was activity
  let pending; // for activity that came too soon after the last
  let timer;

  const wait = (seconds) => {
    clearTimeout(timer);
    timer = setTimeout(check, seconds * 1000 + 500);
  };

  const show = (soon) => {
    if (soon && notice.hidden) announce("You will be signed out in a minute. Press any key to stay signed in.");
    notice.hidden = !soon;
  };

  // The server knows: another tab may have kept the session alive, or somebody ended it.
  async function check() {
    let now;
    try {
      now = await left();
    } catch {
      return wait(10);
    }
    if (!now) return leave();
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

  document.addEventListener("session:told", () => (told = performance.now()));
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
