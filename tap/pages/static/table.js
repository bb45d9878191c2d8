// The page of a table: plots of counts that the service makes, so that no row travels.

import {Board, Histogram, Scatter, Sky, controls} from "./plots.js";
import {extent, tableFromIPC} from "./vendor/plotting.js";

const place = document.querySelector("#plots");
const button = document.querySelector("#plot-button");
const {table, sync, longitude, latitude} = place.dataset;
const NUMBERS = new Set(["SMALLINT", "INTEGER", "BIGINT", "REAL", "DOUBLE PRECISION"]);
const [BINS, SIDE, ORDER] = [100, 200, 6];

const columns = [...document.querySelectorAll("tr[data-column]")].map(({dataset}) => ({
  name: dataset.column, unit: dataset.unit, ucd: dataset.ucd, number: NUMBERS.has(dataset.type),
}));

async function ask(query) {
  const body = new URLSearchParams({LANG: "ADQL", RESPONSEFORMAT: "arrow", MAXREC: 1000000, QUERY: query});
  const answer = await fetch(sync, {method: "POST", body});
  if (!answer.ok) throw new Error("The service could not count: the table may be too large for a moment's query");
  return tableFromIPC(new Uint8Array(await answer.arrayBuffer()), {useBigInt: false});
}

async function rangeOf(...wanted) {
  const unknown = wanted.filter(column => !column.range);
  if (!unknown.length) return;
  const ends = unknown.map(({name}, index) => `MIN(${name}) AS a${index}, MAX(${name}) AS b${index}`);
  const answer = await ask(`SELECT ${ends.join(", ")} FROM ${table}`);
  unknown.forEach((column, index) => { column.range = extent([0, 1].map(end => Number(answer.getChildAt(2 * index + end).at(0)))); });
}

const step = ([low, high], bins) => (high - low) / bins || 1;
const bin = ({name, range}, bins) => `FLOOR((${name} - ${range[0]}) / ${step(range, bins)})`;

async function histogram(x) {
  await rangeOf(x);
  const answer = await ask(`SELECT bin, COUNT(*) AS n FROM (SELECT ${bin(x, BINS)} AS bin FROM ${table} WHERE ${x.name} IS NOT NULL) AS q GROUP BY bin`);
  const counts = Array(BINS).fill(0);
  each(answer, (index, n) => { counts[Math.min(BINS - 1, index)] += n; });
  return new Histogram({x, counts});
}

async function scatter(x, y, {reversed}) {
  await rangeOf(x, y);
  const answer = await ask(`SELECT i, j, COUNT(*) AS n FROM (SELECT ${bin(x, SIDE)} AS i, ${bin(y, SIDE)} AS j FROM ${table} WHERE ${x.name} IS NOT NULL AND ${y.name} IS NOT NULL) AS q GROUP BY i, j`);
  const counts = new Map();
  each(answer, (i, j, n) => {
    const cell = Math.min(SIDE - 1, j) * SIDE + Math.min(SIDE - 1, i);
    counts.set(cell, (counts.get(cell) ?? 0) + n);
  });
  return new Scatter({x, y, reversed, grid: {counts, columns: SIDE, rows: SIDE}});
}

async function sky(x, y) {
  const answer = await ask(`SELECT cell, COUNT(*) AS n FROM (SELECT ivo_healpix_index(${ORDER}, ${x.name}, ${y.name}) AS cell FROM ${table}) AS q GROUP BY cell`);
  const cells = new Map();
  each(answer, (cell, n) => cells.set(cell, n));
  return new Sky({x, y, cells, order: ORDER});
}

function each(answer, act) {
  const values = Array.from({length: answer.numCols}, (_, index) => answer.getChildAt(index).toArray());
  for (let row = 0; row < answer.numRows; row++) act(...values.map(column => Number(column[row])));
}

button.hidden = false;
button.addEventListener("click", async () => {
  place.hidden = !place.hidden;
  button.setAttribute("aria-expanded", String(!place.hidden));
  if (place.hidden || place.childElementCount) return;
  const make = async (kind, x, y, options) => board.add(await {histogram, scatter, sky}[kind](x, y, options));
  controls(place, columns, make);
  const board = new Board(place.appendChild(document.createElement("div")), conditions => {
    const where = conditions.map(({column, adql}) => adql(column.name)).join("\n  AND ");
    const root = sync.replace(/\/tap\/sync$/, "");
    location.href = `${root}/?query=${encodeURIComponent(`SELECT TOP 1000 *\nFROM ${table}\nWHERE ${where}`)}`;
  });
  const find = name => columns.find(column => column.name === name);
  if (longitude) await make("sky", find(longitude), find(latitude), {});
});
