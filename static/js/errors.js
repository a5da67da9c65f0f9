// A page that came back with something to mend begins at the first such field,
// however far down it is.
import { ready } from "./dom.js";

ready(() => {
  const wrong = document.querySelector("main [aria-invalid=true]");
  if (wrong && document.activeElement === document.body) wrong.focus();
});
