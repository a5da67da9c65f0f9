// A whole signature pasted into the company's field goes where it is read: its
// lines would run into one.
document.addEventListener("paste", (event) => {
  const text = event.clipboardData?.getData("text/plain") ?? "";
  if (event.target.id !== "company" || !/\t|\S[^\S\n]*[\r\n]+\s*\S/.test(text)) return;
  const area = document.getElementById("paste");
  const fill = document.getElementById("fill");
  if (!area || !fill) return;
  event.preventDefault();
  area.closest("details").open = true;
  area.value = text.slice(0, area.maxLength);
  fill.click();
});
