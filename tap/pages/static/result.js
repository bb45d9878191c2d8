// The page of a result: plots of its columns, and sending it to other programs.

import {htmx} from "./vendor/htmx.js";

// What steers a terminal or hides in a text: a query may be a stranger's.
const INVISIBLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;

function begin() {
  const actions = document.querySelector("#result-actions:not([data-ready])");
  if (!actions) return;
  actions.dataset.ready = "";
  const plotButton = document.querySelector("#plot-button");
  const sampButton = document.querySelector("#samp-button");
  plotButton.hidden = sampButton.hidden = false;
  plotButton.addEventListener("click", () => togglePlots(plotButton, actions));
  sampButton.addEventListener("click", () => send(sampButton, actions.dataset));
  addCopyButtons();
}

function addCopyButtons() {
  for (const text of document.querySelectorAll("pre[data-copy]:not([data-ready])")) {
    text.dataset.ready = "";
    const button = Object.assign(document.createElement("button"), {type: "button", textContent: "Copy"});
    button.addEventListener("click", async () => {
      await navigator.clipboard?.writeText(text.textContent.replace(INVISIBLE, ""));
      button.textContent = "Copied";
    });
    text.after(button);
  }
}

async function togglePlots(button, actions) {
  const place = document.querySelector("#plots");
  place.hidden = !place.hidden;
  button.setAttribute("aria-expanded", String(!place.hidden));
  if (place.hidden || place.childElementCount) return;
  const [{Board, Histogram, Scatter, Sky, controls, guess}, {tableFromIPC}] = await Promise.all([
    import("./plots.js"), import("./vendor/plotting.js"),
  ]);
  const columns = JSON.parse(actions.dataset.columns);
  const {job, root, query} = actions.dataset;

  async function load(...wanted) {
    const missing = wanted.filter(column => !column.values);
    if (!missing.length) return;
    const names = new URLSearchParams(missing.map(({name}) => ["name", name]));
    const answer = await fetch(`${root}/-/columns/${job}?${names}`);
    if (!answer.ok) throw new Error("The columns cannot be read");
    const table = tableFromIPC(new Uint8Array(await answer.arrayBuffer()));
    missing.forEach((column, index) => { column.values = table.getChildAt(index).toArray(); });
  }

  async function make(kind, x, y, options) {
    await load(x, ...(kind === "histogram" ? [] : [y]));
    board.add(new {histogram: Histogram, scatter: Scatter, sky: Sky}[kind]({x, y, ...options}));
  }

  const written = name => /^[A-Za-z]\w*$/.test(name) ? `q.${name}` : `q."${name.replaceAll('"', '""')}"`;
  controls(place, columns, make);
  const figures = place.appendChild(document.createElement("div"));
  const board = new Board(figures, conditions => {
    const where = conditions.map(({column, adql}) => adql(written(column.name))).join("\n  AND ");
    location.href = `${root}/?query=${encodeURIComponent(`SELECT q.*\nFROM (${query}) AS q\nWHERE ${where}`)}`;
  });

  const numeric = columns.filter(({number}) => number);
  if (!numeric.length) {
    place.replaceChildren("The result has no columns of numbers to plot.");
    return;
  }
  const [longitude, latitude] = [guess.longitude(numeric), guess.latitude(numeric)];
  const [colour, magnitude] = [guess.colour(numeric), guess.magnitude(numeric)];
  const [onSky, isDiagram] = [longitude && latitude, colour && magnitude];
  await load(...new Set([...(onSky ? [longitude, latitude] : []), ...(isDiagram ? [colour, magnitude] : [])]));
  if (onSky) await make("sky", longitude, latitude, {});
  if (isDiagram) await make("scatter", colour, magnitude, {reversed: true});
  else if (numeric.length) await make("histogram", magnitude ?? numeric[0], null, {});
}

async function send(button, {url, name}) {
  const {samp} = await import("./vendor/samp.js");
  button.textContent = "Looking for a hub …";
  const connector = new samp.Connector("Armillary", {"samp.name": "Armillary"});
  connector.runWithConnection(
    connection => {
      connection.notifyAll([new samp.Message("table.load.votable", {url, name, "table-id": url})]);
      button.textContent = "Sent";
      setTimeout(() => connection.unregister(), 1000);
    },
    () => { button.textContent = "No hub answers: start TOPCAT or Aladin, and allow it"; },
  );
}

// What is refused of a part of the page is told above it.
document.body.addEventListener("htmx:responseError", ({detail}) => {
  const page = new DOMParser().parseFromString(detail.xhr.responseText, "text/html");
  const note = Object.assign(document.createElement("p"), {className: "note error"});
  note.setAttribute("role", "alert");
  note.textContent = page.querySelector("main pre")?.textContent ?? "This could not be shown.";
  document.querySelector("#rows")?.prepend(note);
});

begin();
document.body.addEventListener("htmx:afterSettle", begin);
