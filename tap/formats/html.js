// Sorts the rows by the column whose head is clicked: as numbers where all cells are, empty cells last.
const body = document.querySelector("#rows tbody");
const heads = [...document.querySelectorAll("#rows th")];
heads.forEach((head, column) => head.addEventListener("click", () => {
  const up = head.getAttribute("aria-sort") !== "ascending";
  const rows = [...body.rows].map((row) => ({ row, text: row.cells[column].textContent }));
  const numeric = rows.every(({ text }) => !text || text === "NaN" || !Number.isNaN(Number(text)));
  for (const each of rows) each.key = numeric && each.text ? Number(each.text) : each.text;
  const missing = ({ key }) => key === "" || Number.isNaN(key);
  const order = (a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0) * (up ? 1 : -1);
  rows.sort((a, b) => missing(a) - missing(b) || order(a, b));
  heads.forEach((each) => each.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  body.append(...rows.map(({ row }) => row));
}));
