// The editor of the query page: completion, errors where they stand, a list of one's own.

import {
  EditorView, basicSetup, keymap, HighlightStyle, syntaxHighlighting, tags,
  sql, SQLDialect, autocompletion, forceLinting, linter,
} from "./vendor/editor.js";

const form = document.querySelector("#query-form");
const area = document.querySelector("#query");
const report = document.querySelector("#report");
const listField = document.querySelector("#list-fields");
const nonce = document.querySelector("script[data-nonce]").nonce;
let listColumns = "";

const ADQL = SQLDialect.define({
  keywords: `select distinct top from where group by having order asc desc offset join left right full inner outer cross
    natural on using as and or not in like ilike between is null exists union intersect except all with case when then
    else end cast over partition`,
  builtin: "point circle box polygon region contains intersects distance area centroid coord1 coord2 coordsys in_unit",
  types: "integer smallint bigint real double precision char varchar timestamp",
  doubleQuotedStrings: false,
});
const COLOURS = HighlightStyle.define([
  {tag: tags.keyword, color: "var(--accent)", fontWeight: "600"},
  {tag: [tags.string, tags.special(tags.string)], color: "var(--good)"},
  {tag: tags.number, color: "var(--warm)"},
  {tag: tags.comment, color: "var(--quiet)", fontStyle: "italic"},
]);

// Python counts characters, JavaScript halves of those beyond the basic plane.
const toCharacters = (text, units) => [...text.slice(0, units)].length;
const toUnits = (text, characters) => [...text].slice(0, characters).join("").length;

async function ask(url, fields, headers = {}) {
  const answer = await fetch(url, {method: "POST", body: new URLSearchParams(fields), headers});
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  return answer;
}

async function complete(context) {
  const before = context.matchBefore(/[A-Za-z_"][\w".]*/);
  if (!before && !context.explicit) return null;
  const text = context.state.doc.toString();
  const answer = await ask(form.dataset.complete, {
    QUERY: text, OFFSET: toCharacters(text, context.pos), UPLOADED: listColumns,
  });
  const {start, options, complete} = await answer.json();
  return {
    from: toUnits(text, start),
    options: options.map(({label, kind, detail, about}) => ({label, type: TYPES[kind], detail, info: about || undefined})),
    validFor: complete ? /^[\w"]*$/ : undefined,
  };
}

const TYPES = {table: "class", schema: "namespace", column: "property", function: "function", keyword: "keyword"};

async function lint(view) {
  const text = view.state.doc.toString();
  if (!text.trim()) return [];
  const {error, warnings} = await (await ask(form.dataset.check, fieldsOf(text), {accept: "application/json"})).json();
  const errors = error ? [diagnostic(text, error, "error")] : [];
  return [...errors, ...warnings.map(warning => diagnostic(text, warning, "warning"))];
}

function diagnostic(text, {message, hint, span, repairs}, severity) {
  const from = Math.min(toUnits(text, span.start), text.length);
  const to = Math.max(from, Math.min(toUnits(text, span.end), text.length));
  return {
    from, to, severity, message: hint ? `${message}. ${hint}` : message,
    actions: repairs.map(repair => ({
      name: labelOf(text, repair),
      apply(view) {
        const now = view.state.doc.toString();
        const [start, end] = [toUnits(now, repair.span.start), toUnits(now, repair.span.end)];
        view.dispatch({changes: {from: start, to: end, insert: repair.text}});
      },
    })),
  };
}

function labelOf(text, {span, text: written}) {
  const old = text.slice(toUnits(text, span.start), toUnits(text, span.end)).trim();
  if (!written.trim()) return `Remove ${old}`;
  const shown = written.trim().length > 80 ? `${written.trim().slice(0, 79)}…` : written.trim();
  return `${old ? "Write" : "Insert"} ${shown}`;
}

function fieldsOf(text) {
  return {QUERY: text, MAXREC: form.elements.MAXREC.value, UPLOADED: listColumns};
}

// A query of a link counts more than what was being written before.
const DRAFT = "armillary-draft";
const isOfLink = ["query", "job"].some(name => new URL(location.href).searchParams.has(name));
const draft = isOfLink ? null : sessionStorage.getItem(DRAFT);
let wasFocused = false;

const view = new EditorView({
  doc: draft ?? area.value,
  extensions: [
    // Before the editor's own keys, of which one is the same.
    keymap.of([{key: "Mod-Enter", run: () => (form.requestSubmit(document.querySelector("#run")), true)}]),
    basicSetup,
    EditorView.cspNonce.of(nonce),
    EditorView.contentAttributes.of({"aria-label": "Query in ADQL"}),
    EditorView.lineWrapping,
    EditorView.updateListener.of(update => {
      wasFocused ||= update.view.hasFocus;
      if (update.docChanged) changed();
    }),
    sql({dialect: ADQL}),
    syntaxHighlighting(COLOURS),
    autocompletion({override: [complete]}),
    linter(lint, {delay: 500}),
  ],
});
area.before(view.dom);
area.hidden = true;
area.required = false;
document.querySelector("label[for=query]").addEventListener("click", () => view.focus());

function changed() {
  area.value = view.state.doc.toString();
  sessionStorage.setItem(DRAFT, area.value);
  setLink();
}

function setLink() {
  const fields = new URLSearchParams({query: area.value, maxrec: form.elements.MAXREC.value});
  const link = document.querySelector("#link");
  link.href = `${link.href.split("?")[0]}?${fields}`;
  link.textContent = "Link to this query";
}
if (draft !== null) changed();
if (isOfLink) sessionStorage.setItem(DRAFT, area.value);
form.elements.MAXREC.addEventListener("change", setLink);

function insert(text) {
  const end = view.state.doc.length;
  const {from, to} = wasFocused ? view.state.selection.main : {from: end, to: end};
  view.dispatch({changes: {from, to, insert: text}, selection: {anchor: from + text.length}});
  view.focus();
}

form.addEventListener("submit", async event => {
  area.value = view.state.doc.toString();
  if (event.submitter?.id !== "check") return;
  event.preventDefault();
  const answer = await fetch(form.dataset.check, {
    method: "POST", body: new URLSearchParams(fieldsOf(area.value)), headers: {"HX-Request": "true"},
  });
  report.innerHTML = await answer.text();
  report.scrollIntoView({block: "nearest"});
});

// A repair changes the query where it is, so that rows, name and list stay as they are.
report.addEventListener("click", event => {
  const repair = event.target.closest("a.repair");
  if (!repair) return;
  event.preventDefault();
  const query = new URL(repair.href).searchParams.get("query");
  view.dispatch({changes: {from: 0, to: view.state.doc.length, insert: query}});
  report.replaceChildren();
  view.focus();
});

document.querySelector("#link").addEventListener("click", async event => {
  if (!navigator.clipboard) return;
  event.preventDefault();
  setLink();
  await navigator.clipboard.writeText(event.target.href);
  event.target.textContent = "Link copied";
});

// ---- tables beside the editor

function addInsertButtons() {
  for (const name of document.querySelectorAll("[data-insert]:not([data-ready])")) {
    name.dataset.ready = "";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "plain";
    button.textContent = "insert";
    button.setAttribute("aria-label", `Insert ${name.dataset.insert}`);
    button.addEventListener("click", () => insert(name.dataset.insert));
    name.after(" ", button);
  }
}
addInsertButtons();
document.body.addEventListener("htmx:afterSwap", addInsertButtons);

for (const example of document.querySelectorAll("a.example")) {
  example.addEventListener("click", event => {
    event.preventDefault();
    const query = new URL(example.href).searchParams.get("query");
    view.dispatch({changes: {from: 0, to: view.state.doc.length, insert: query}});
    view.focus();
  });
}

// ---- a list of one's own

function openList() {
  listField.hidden = listField.disabled = false;
  form.enctype = "multipart/form-data";
  document.querySelector("#with-list")?.remove();
}

async function readList() {
  const [file] = form.elements.list.files;
  const place = document.querySelector("#list-report");
  if (!file) return;
  place.textContent = "Reading …";
  const body = new FormData();
  body.append("list", file);
  const answer = await fetch(form.dataset.list, {method: "POST", body, headers: {accept: "application/json"}});
  if (!answer.ok) {
    place.textContent = (await answer.json()).error.message;
    place.className = "bad";
    return;
  }
  const {columns, position} = await answer.json();
  listColumns = JSON.stringify(columns);
  place.className = "";
  place.textContent = `Columns: ${columns.map(({name, unit}) => unit ? `${name} (${unit})` : name).join(", ")}. `
    + (position ? `Position: ${position.join(", ")}.` : "Position columns not recognised.");
  const look = Object.assign(document.createElement("button"), {type: "button", textContent: "Look at it"});
  look.addEventListener("click", () => {
    view.dispatch({changes: {from: 0, to: view.state.doc.length, insert: "SELECT *\nFROM TAP_UPLOAD.list"}});
  });
  place.append(" ", look);
  forceLinting(view);
}

document.querySelector("#with-list")?.addEventListener("click", event => {
  event.preventDefault();
  openList();
  form.elements.list.focus();
});
form.elements.list.addEventListener("change", readList);
for (const kind of ["dragover", "drop"]) {
  form.addEventListener(kind, event => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    listField.classList.toggle("over", kind === "dragover");
    if (kind === "drop") {
      openList();
      form.elements.list.files = event.dataTransfer.files;
      readList();
    }
  }, true);
}

if (form.elements.list.files.length) readList();
