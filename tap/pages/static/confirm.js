// Asks before what cannot be undone, and forgets at the logout what was being written.

document.addEventListener("click", event => {
  const question = event.target.closest("[data-confirm]")?.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});

document.querySelector('form[action$="/logout"]')?.addEventListener("submit", () => sessionStorage.clear());
