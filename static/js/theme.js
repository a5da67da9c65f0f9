// form[data-theme-form]: the choice shows at once and is sent behind the page's back.
import { toast, UNREACHABLE } from "./toast.js";

/** The data-theme for a choice: "light", "frontdesk-dark" …; null follows the system. */
export function themeFor(choice) {
  const name = choice.replace(/^frontdesk-/, "");
  return name === "light" || name === "dark" ? `frontdesk-${name}` : null;
}

if (typeof document !== "undefined") {
  document.addEventListener("submit", async (event) => {
    const form = event.target.closest?.("form[data-theme-form]");
    const choice = event.submitter?.value;
    if (!form || !choice) return;
    event.preventDefault();
    const theme = themeFor(choice);
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    for (const button of document.querySelectorAll("form[data-theme-form] button")) {
      button.classList.toggle("btn-active", button.value === choice);
      button.setAttribute("aria-pressed", String(button.value === choice));
    }
    try {
      const response = await fetch(form.action, {
        method: "POST",
        // Encoded like the plain form, so that the server reads both alike.
        body: new URLSearchParams(new FormData(form, event.submitter)),
        redirect: "manual",
      });
      if (response.type !== "opaqueredirect" && !response.ok) {
        toast("The theme could not be kept. It holds until you leave this page.");
      }
    } catch {
      toast(UNREACHABLE);
    }
  });
}
