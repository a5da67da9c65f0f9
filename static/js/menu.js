// Menus are <details class="dropdown">: Escape, a choice, and a click beside them close them.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = event.target instanceof Element && event.target.closest("details.dropdown[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

document.addEventListener("click", ({ target }) => {
  for (const menu of document.querySelectorAll("details.dropdown[open]")) {
    if (!menu.contains(target) || target.closest("a[download]")) menu.open = false;
  }
});
