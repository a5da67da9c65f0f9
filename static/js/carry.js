// form[data-carry="id"]: takes along what is typed in the field with that ID, which
// belongs to another form of the page, so that an answer which shows the page again
// has it still.
document.addEventListener("formdata", ({ target, formData }) => {
  const id = target.dataset?.carry;
  const typed = id && document.getElementById(id)?.value;
  if (typed) formData.set("reason", typed);
});
