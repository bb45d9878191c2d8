// Asks before what cannot be undone.

document.addEventListener("click", event => {
  const question = event.target.closest("[data-confirm]")?.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});
