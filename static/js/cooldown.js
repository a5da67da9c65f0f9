// form[data-cooldown]: its button waits until the countdown beside it is over.
// The server holds the pause; without this a press is answered with the wait.
import { now, parseTime } from "./clock.js";
import { each } from "./dom.js";

each("form[data-cooldown]", (form) => {
  const clock = form.querySelector("[data-countdown]");
  if (clock) hold(form, parseTime(clock.dataset.countdown) > now());
});

document.addEventListener("countdown:done", (event) => {
  const form = event.target.closest("form[data-cooldown]");
  if (form) hold(form, false);
});

function hold(form, waits) {
  form.querySelector("button").disabled = waits;
  form.querySelector("[data-cooldown-left]").hidden = !waits;
}
