// form[data-theme-form]: the choice shows at once and is sent behind the page's back.
import { say } from "./texts.js";
import { toast, UNREACHABLE } from "./toast.js";

/** The data-theme for a choice: "light", "frontdesk-dark" …; null follows the system. */
export function themeFor(choice) {
  const name = choice.replace(/^frontdesk-/, "");
  return name === "light" || name === "dark" ? `frontdesk-${name}` : null;
}

/** Shows which button of a form is chosen, and sends the choice; says so when it could not be kept. */
export async function keep(form, chosen, failed) {
  for (const button of document.querySelectorAll(`form[action="${form.getAttribute("action")}"] button`)) {
    button.classList.toggle("btn-active", button.value === chosen.value);
    button.setAttribute("aria-pressed", String(button.value === chosen.value));
  }
  try {
    const response = await fetch(form.action, {
      method: "POST",
      // Encoded like the plain form, so that the server reads both alike.
      body: new URLSearchParams(new FormData(form, chosen)),
      redirect: "manual",
    });
    if (response.type !== "opaqueredirect" && !response.ok) toast(failed);
  } catch {
    toast(UNREACHABLE);
  }
}

if (typeof document !== "undefined") {
  document.addEventListener("submit", (event) => {
    const form = event.target.closest?.("form[data-theme-form]");
    const choice = event.submitter?.value;
    if (!form || !choice) return;
    event.preventDefault();
    const theme = themeFor(choice);
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    keep(form, event.submitter, say("The theme could not be kept. It holds until you leave this page."));
  });
}
