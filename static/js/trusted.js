// Trusted Types: the pages' CSP lets no text become elements but through this
// policy. It has one way in, the parsers that htmx hands the server's answers to
// (which of them depends on the browser), and none for scripts: an injected
// innerHTML is refused, whoever wrote it.
const PARSERS = ["Document parseHTMLUnsafe", "DOMParser parseFromString"];

window.trustedTypes?.createPolicy("default", {
  createHTML: (text, type, sink) => (PARSERS.includes(sink) ? text : null),
});
