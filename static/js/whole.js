// A text that does not fit into its cell of a table is whole in a tooltip. It is
// made when somebody points at the cell: in the page it would stand there twice.
document.addEventListener("pointerover", ({ target }) => {
  const cell = target.closest?.("td[data-col]");
  for (const part of cell ? [cell, ...cell.querySelectorAll("a, p")] : []) {
    if (!part.title && part.scrollWidth > part.clientWidth) {
      part.title = part.textContent;
    }
  }
});
