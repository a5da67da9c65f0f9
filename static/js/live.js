// <div data-live="/address">: holds a part of the page that the server sends anew
// whenever it has changed. Only pages that are looked at listen: a browser keeps
// few connections to one server, and has many tabs.
import htmx from "htmx.org";
import { each } from "./dom.js";

each("[data-live]", (part) => {
  const { live: address } = part.dataset;
  let source;

  const stop = () => {
    source?.close();
    source = undefined;
  };
  const listen = () => {
    if (source || document.hidden) return;
    source = new EventSource(address);
    source.addEventListener("part", ({ data }) => {
      if (part.isConnected) htmx.swap(part, data, { swapStyle: "innerHTML" });
      else end();
    });
    source.addEventListener("end", end);
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
