// <div data-live="/address">: holds a part of the page that the server sends anew
// whenever it has changed. Only pages that are looked at listen: a browser keeps
// few connections to one server, and has many tabs.
import htmx from "htmx.org";
import { each } from "./dom.js";
import { follow } from "./stream.js";

const known = new WeakSet(); // one part, one connection, however often the page is looked through

each("[data-live]", (part) => {
  if (known.has(part)) return;
  known.add(part);
  const { live: address } = part.dataset;
  let source;
  let pressed = false; // what is being pressed is not taken away before it is a click
  let waiting; // the part that came meanwhile

  // When it comes to another state, all of the page is another.
  const state = () => part.querySelector("[data-state]")?.dataset.state;
  const show = (html) => {
    waiting = pressed ? html : undefined;
    if (pressed) return;
    const before = state();
    htmx.swap(part, html, { swapStyle: "innerHTML" });
    if (before !== undefined && before !== state()) {
      htmx.ajax("GET", location.pathname + location.search, { target: "#main", select: "#main", swap: "outerHTML" });
    }
  };
  const released = () => {
    pressed = false;
    if (waiting !== undefined) show(waiting);
  };
  part.addEventListener("pointerdown", () => {
    pressed = true;
  });
  for (const name of ["pointerup", "pointercancel"]) document.addEventListener(name, () => setTimeout(released, 50));

  const stop = () => {
    source?.close();
    source = undefined;
  };
  const listen = () => {
    if (source || document.hidden) return;
    source = follow(address, {
      part(html) {
        if (part.isConnected) show(html);
        else end();
      },
      end,
    });
  };
  const turn = () => (document.hidden ? stop() : listen());
  function end() {
    stop();
    document.removeEventListener("visibilitychange", turn);
  }

  document.addEventListener("visibilitychange", turn);
  window.addEventListener("pagehide", stop);
  listen();
});
