// Plots of a result's columns, or of a table's counts: histogram, scatter, sky. What is selected in one stands out in all.

import {
  extent, format, geoAzimuthalEqualArea, geoDistance, geoGraticule, geoMollweide, geoPath, max, scaleLinear, scaleLog,
} from "./vendor/plotting.js";
import {cellOf} from "./healpix.js";

const WIDTH = 800;
const MARGIN = {left: 70, right: 14, top: 14, bottom: 52};
const BINS = 100;
const FEW = 20000;
const WHOLE_SKY = WIDTH / (4 * Math.SQRT2) * 0.97;
const RADIAN = Math.PI / 180;
const STEPS = [30, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01];

// ---- values

const label = ({name, unit}) => unit ? `${name} (${unit})` : name;
const isMagnitude = ({ucd = ""}) => /^(phot\.mag|phys\.magAbs)/.test(ucd ?? "");
const isOf = (column, pattern) => pattern.test(column.ucd ?? "");
export const guess = {
  longitude: columns => columns.find(column => isOf(column, /^pos\.eq\.ra(;|$)/)),
  latitude: columns => columns.find(column => isOf(column, /^pos\.eq\.dec(;|$)/)),
  colour: columns => columns.find(column => isOf(column, /^phot\.color/)),
  magnitude: columns => columns.find(isMagnitude),
};


// light-dark() is for style sheets only: let the browser work it out.
function colours() {
  const probe = document.body.appendChild(document.createElement("span"));
  const read = name => (probe.style.color = `var(${name})`, getComputedStyle(probe).color);
  const result = Object.fromEntries(["text", "quiet", "line", "accent", "chosen", "ground"].map(name => [name, read(`--${name}`)]));
  probe.remove();
  return result;
}

const numbers = text => text.match(/[\d.]+/g).slice(0, 3).map(Number);

// ---- drawing on a canvas, and the same lines and texts as SVG

class Sheet {
  constructor(canvas, height) {
    this.canvas = canvas;
    this.height = height;
    this.ratio = Math.min(2, devicePixelRatio || 1);
    canvas.width = WIDTH * this.ratio;
    canvas.height = height * this.ratio;
    this.context = canvas.getContext("2d");
    this.context.scale(this.ratio, this.ratio);
    this.vectors = [];
    this.colours = colours();
  }
  line(x1, y1, x2, y2, stroke = this.colours.text) {
    this.context.strokeStyle = stroke;
    this.context.beginPath();
    this.context.moveTo(x1, y1);
    this.context.lineTo(x2, y2);
    this.context.stroke();
    this.vectors.push(`<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${stroke}"/>`);
  }
  bar(x, y, width, height, fill) {
    this.context.fillStyle = fill;
    this.context.fillRect(x, y, width, height);
    this.vectors.push(`<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="${fill}"/>`);
  }
  text(words, x, y, anchor = "middle", turned = false) {
    const {context} = this;
    context.save();
    context.fillStyle = this.colours.text;
    context.font = "14px system-ui, sans-serif";
    context.textAlign = {start: "left", middle: "center", end: "right"}[anchor];
    context.translate(x, y);
    if (turned) context.rotate(-Math.PI / 2);
    context.fillText(words, 0, 0);
    context.restore();
    const escaped = String(words).replace(/[&<>"]/g, letter => `&#${letter.charCodeAt(0)};`);
    const turn = turned ? ` transform="rotate(-90 ${x} ${y})"` : "";
    this.vectors.push(`<text x="${x}" y="${y}" text-anchor="${anchor}" font-family="sans-serif" font-size="14" fill="${this.colours.text}"${turn}>${escaped}</text>`);
  }
  // Pixels cannot be vectors: a picture of them stands in the SVG.
  pixels(left, top, width, height, paint) {
    const {ratio} = this;
    const [columns, rows] = [Math.round(width * ratio), Math.round(height * ratio)];
    const picture = document.createElement("canvas");
    picture.width = columns;
    picture.height = rows;
    const image = new ImageData(columns, rows);
    paint(image, ratio);
    picture.getContext("2d").putImageData(image, 0, 0);
    this.context.drawImage(picture, left, top, width, height);
    this.vectors.push(`<image x="${left}" y="${top}" width="${width}" height="${height}" href="${picture.toDataURL()}"/>`);
  }
  path(feature, projection, stroke) {
    this.context.strokeStyle = stroke;
    this.context.beginPath();
    geoPath(projection, this.context)(feature);
    this.context.stroke();
    this.vectors.push(`<path d="${geoPath(projection)(feature) ?? ""}" fill="none" stroke="${stroke}"/>`);
  }
  svg() {
    return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${this.height}"><rect width="100%" height="100%" fill="${this.colours.ground}"/>${this.vectors.join("")}</svg>`;
  }
}

function axis(values, {log, reversed}, range) {
  let [low, high] = extent(values, value => log && value <= 0 ? NaN : value);
  if (low === undefined) [low, high] = log ? [1, 10] : [0, 1];
  if (low === high) [low, high] = log ? [low / 2, high * 2] : [low - 0.5, high + 0.5];
  return (log ? scaleLog() : scaleLinear()).domain(reversed ? [high, low] : [low, high]).range(range);
}

const compact = value => Math.abs(value) >= 1e5 || (value && Math.abs(value) < 1e-3) ? format(".2~e")(value) : format(",.6~g")(value);

function axes(sheet, x, y, xLabel, yLabel) {
  const {left, right, top, bottom} = MARGIN;
  const [base, end] = [sheet.height - bottom, WIDTH - right];
  sheet.line(left, base, end, base);
  sheet.line(left, top, left, base);
  for (const value of x.ticks(7)) {
    sheet.line(x(value), base, x(value), base + 5);
    sheet.text(compact(value), x(value), base + 20);
  }
  for (const value of y.ticks(6)) {
    sheet.line(left - 5, y(value), left, y(value));
    sheet.text(compact(value), left - 8, y(value) + 5, "end");
  }
  sheet.text(xLabel, (left + end) / 2, sheet.height - 8);
  sheet.text(yLabel, 16, (top + base) / 2, "middle", true);
}

// ---- plots: each draws itself, and says what a rectangle on it selects

class Histogram {
  constructor(options) { Object.assign(this, options); }
  height = 600;
  get title() { return `Histogram of ${label(this.x)}`; }
  draw(sheet, selected) {
    const {left, right, top, bottom} = MARGIN;
    const values = this.x.values;
    this.scaleX = axis(this.counts ? this.x.range : values, {log: this.log}, [left, WIDTH - right]);
    const counts = this.counts ?? this.count(values);
    const chosen = selected && !this.counts ? this.count(values, selected) : null;
    const y = scaleLinear().domain([0, max(counts) || 1]).range([sheet.height - bottom, top]);
    const width = (WIDTH - left - right) / counts.length;
    counts.forEach((count, bin) => sheet.bar(left + bin * width, y(count), Math.max(1, width - 1), y(0) - y(count), sheet.colours.accent));
    chosen?.forEach((count, bin) => sheet.bar(left + bin * width, y(count), Math.max(1, width - 1), y(0) - y(count), sheet.colours.chosen));
    axes(sheet, this.scaleX, y, label(this.x), "rows");
  }
  count(values, selected) {
    const counts = new Float64Array(BINS);
    const [first, last] = this.scaleX.range();
    for (let row = 0; row < values.length; row++) {
      if (selected && !selected[row]) continue;
      const place = (this.scaleX(values[row]) - first) / (last - first);
      if (place >= 0 && place <= 1) counts[Math.min(BINS - 1, Math.floor(place * BINS))]++;
    }
    return Array.from(counts);
  }
  conditions([x1, , x2]) {
    return [between(this.x, this.scaleX.invert(x1), this.scaleX.invert(x2))];
  }
}

class Scatter {
  constructor(options) { Object.assign(this, options); }
  height = 600;
  get title() { return `${label(this.y)} against ${label(this.x)}`; }
  draw(sheet, selected) {
    const {left, right, top, bottom} = MARGIN;
    const {x, y, grid} = this;
    const [width, height] = [WIDTH - left - right, sheet.height - top - bottom];
    this.scaleX = axis(grid ? x.range : x.values, {log: this.log, reversed: false}, [left, WIDTH - right]);
    this.scaleY = axis(grid ? y.range : y.values, {reversed: this.reversed}, [sheet.height - bottom, top]);
    sheet.pixels(left, top, width, height, (image, ratio) =>
      grid ? paintGrid(image, grid, this.reversed, sheet.colours)
        : paintPoints(image, x.values.length, (row, point) => {
          point[0] = (this.scaleX(x.values[row]) - left) * ratio;
          point[1] = (this.scaleY(y.values[row]) - top) * ratio;
        }, selected, sheet.colours));
    axes(sheet, this.scaleX, this.scaleY, label(x), label(y));
  }
  conditions([x1, y1, x2, y2]) {
    return [
      between(this.x, this.scaleX.invert(x1), this.scaleX.invert(x2)),
      between(this.y, this.scaleY.invert(y1), this.scaleY.invert(y2)),
    ];
  }
}

class Sky {
  constructor(options) {
    Object.assign(this, options);
    if (!this.cells) this.fit();
  }
  height = 400;
  zoom = 1;
  centre = [180, 0];
  get title() { return "Sky"; }
  // Looks at where the points are, if that is a small part of the sky.
  fit() {
    const rows = this.x.values.length;
    // Most results are of all the sky, or of a small part: some rows tell the former.
    const step = Math.max(1, Math.floor(rows / FEW));
    if (step > 1 && !this.reaches(step)) return;
    const part = this.reaches(1);
    if (!part) return;
    this.centre = part.middle;
    this.zoom = Math.min(5000, this.height * 0.47 / (2 * Math.sin(part.reach * RADIAN / 2)) / WHOLE_SKY);
  }
  // The middle of every so manieth point and how far they reach from it, in degrees; null for too much of the sky.
  reaches(step) {
    const [longitudes, latitudes] = [this.x.values, this.y.values];
    let [x, y, z] = [0, 0, 0];
    for (let row = 0; row < longitudes.length; row += step) {
      const [longitude, latitude] = [longitudes[row] * RADIAN, latitudes[row] * RADIAN];
      if (Number.isNaN(longitude + latitude)) continue;
      x += Math.cos(latitude) * Math.cos(longitude);
      y += Math.cos(latitude) * Math.sin(longitude);
      z += Math.sin(latitude);
    }
    const middle = [Math.atan2(y, x) / RADIAN, Math.atan2(z, Math.hypot(x, y)) / RADIAN];
    let reach = 0;
    for (let row = 0; row < longitudes.length; row += step) {
      const distance = geoDistance(middle, [longitudes[row], latitudes[row]]) / RADIAN;
      if (distance > reach) reach = distance;
    }
    return reach > 0 && reach < 40 ? {middle, reach} : null;
  }
  draw(sheet, selected) {
    const [longitude, latitude] = this.centre;
    // East is to the left on the sky.
    // A part of the sky has its true shape; all of it is seen at once.
    const projection = this.projection = (this.zoom > 1 ? geoAzimuthalEqualArea() : geoMollweide())
      .reflectX(true).rotate([-longitude, -latitude]).scale(WHOLE_SKY * this.zoom)
      .translate([WIDTH / 2, sheet.height / 2]).precision(0.3);
    if (this.zoom === 1) sheet.path({type: "Sphere"}, projection, sheet.colours.quiet);
    if (this.cells) {
      sheet.pixels(0, 0, WIDTH, sheet.height, (image, ratio) => this.paintCells(image, ratio, sheet.colours));
    } else {
      const {x, y} = this;
      const place = this.zoom > 1 ? projection : wholeSky(sheet.height);
      sheet.pixels(0, 0, WIDTH, sheet.height, (image, ratio) =>
        paintPoints(image, x.values.length, (row, point) => {
          const [left, top] = place([x.values[row], y.values[row]]);
          point[0] = left * ratio;
          point[1] = top * ratio;
        }, selected, sheet.colours));
    }
    this.drawGrid(sheet, projection);
  }
  drawGrid(sheet, projection) {
    const [longitude, latitude] = this.centre;
    const step = STEPS.find(step => step * this.zoom <= 30) ?? STEPS.at(-1);
    const [west, south] = [longitude, latitude].map(middle => Math.round(middle / step) * step);
    const reach = this.zoom === 1 ? 180 : Math.min(180, step * 12);
    const grid = geoGraticule().step([step, step]).extent([
      [west - reach - 1e-6, Math.max(-90, south - reach) - 1e-6], [west + reach + 1e-6, Math.min(90, south + reach) + 1e-6],
    ]).precision(Math.min(2.5, step / 4));
    sheet.path(grid(), projection, sheet.colours.line);
    for (let count = -2; count <= 2; count++) {
      const across = projection([west + count * step * (this.zoom === 1 ? 2 : 1), south]);
      if (across) sheet.text(`${compact((west + count * step * (this.zoom === 1 ? 2 : 1) + 360) % 360)}°`, across[0], across[1] - 3);
      const up = projection([west, south + count * step]);
      if (count && up && this.zoom > 1) sheet.text(`${compact(south + count * step)}°`, up[0] + 4, up[1] - 3, "start");
    }
  }
  paintCells(image, ratio, {accent}) {
    const [red, green, blue] = numbers(accent);
    const most = Math.log1p(max(this.cells.values()));
    for (let row = 0, at = 0; row < image.height; row++) {
      for (let column = 0; column < image.width; column++, at += 4) {
        const point = [column / ratio, row / ratio];
        const place = this.projection.invert(point);
        if (!place || Number.isNaN(place[0])) continue;
        const back = this.projection(place);
        if (Math.abs(back[0] - point[0]) > 1 || Math.abs(back[1] - point[1]) > 1) continue;
        const count = this.cells.get(cellOf(this.order, place[0], place[1]));
        if (!count) continue;
        image.data.set([red, green, blue, 40 + 215 * Math.log1p(count) / most], at);
      }
    }
  }
  conditions(rectangle) {
    const [x1, y1, x2, y2] = rectangle;
    const corners = [[x1, y1], [x2, y1], [x2, y2], [x1, y2]].map(corner => this.projection.invert(corner)).filter(Boolean);
    const longitudes = corners.map(([longitude]) => (longitude + 360) % 360);
    const latitudes = corners.map(([, latitude]) => latitude);
    const [west, east] = [Math.min(...longitudes), Math.max(...longitudes)];
    const across = east - west > 180;
    return [
      across ? outside(this.x, Math.max(...longitudes.filter(value => value <= 180)), Math.min(...longitudes.filter(value => value > 180)))
        : between(this.x, west, east),
      between(this.y, Math.min(...latitudes), Math.max(...latitudes)),
    ];
  }
  get middle() { return [WIDTH / 2, this.height / 2]; }
  look(point, factor) {
    const place = this.projection.invert(point);
    this.zoom = Math.min(5000, Math.max(1, this.zoom * factor));
    this.centre = this.zoom === 1 ? [180, 0] : place ?? this.centre;
  }
}

// The Mollweide map of all the sky as d3 draws it, for a million points: the angle that d3 iterates for is in a table.
function wholeSky(height) {
  const size = 4096;
  const theta = Float64Array.from({length: size + 1}, (_, index) => {
    const latitude = (index / size - 0.5) * Math.PI;
    let angle = latitude;
    for (let round = 0; round < 50; round++) {
      const slope = 2 + 2 * Math.cos(2 * angle);
      if (slope < 1e-12) break;
      angle -= (2 * angle + Math.sin(2 * angle) - Math.PI * Math.sin(latitude)) / slope;
    }
    return angle;
  });
  const [sines, cosines] = [theta.map(Math.sin), theta.map(Math.cos)];
  return ([longitude, latitude]) => {
    const place = (latitude / 180 + 0.5) * size;
    const index = Math.min(size - 1, Math.max(0, Math.floor(place)));
    const share = place - index;
    const [sine, cosine] = [sines, cosines].map(table => table[index] * (1 - share) + table[index + 1] * share);
    const east = ((longitude % 360 + 360) % 360 - 180) * RADIAN;
    return [
      WIDTH / 2 - WHOLE_SKY * 2 * Math.SQRT2 / Math.PI * east * cosine,
      height / 2 - WHOLE_SKY * Math.SQRT2 * sine,
    ];
  };
}

// `place(row, point)` writes where a row's point lies, in pixels.
function paintPoints(image, rows, place, selected, {accent, chosen: emphasis}) {
  const {width, height, data} = image;
  const counts = new Uint32Array(width * height);
  const chosen = selected ? new Uint8Array(width * height) : null;
  const reach = rows < FEW ? Math.max(1, Math.round(width / 700)) : 0;
  // What is selected is larger, the rest steps back.
  const faint = selected ? 0.35 : 1;
  const point = new Float64Array(2);
  for (let row = 0; row < rows; row++) {
    place(row, point);
    const [x, y] = point;
    if (!(x >= 0 && y >= 0 && x < width && y < height)) continue;
    const [column, line] = [x | 0, y | 0];
    const isChosen = chosen !== null && selected[row] === 1;
    const size = reach + (isChosen ? 1 : 0);
    for (let dy = -size; dy <= size; dy++) {
      for (let dx = -size; dx <= size; dx++) {
        if (column + dx < 0 || column + dx >= width || line + dy < 0 || line + dy >= height) continue;
        const at = (line + dy) * width + column + dx;
        counts[at]++;
        if (isChosen) chosen[at] = 1;
      }
    }
  }
  const most = Math.log1p(max(counts));
  const [plain, special] = [numbers(accent), numbers(emphasis)];
  for (let at = 0; at < counts.length; at++) {
    if (!counts[at]) continue;
    const isChosen = chosen !== null && chosen[at] === 1;
    const shade = isChosen ? special : plain;
    data[4 * at] = shade[0];
    data[4 * at + 1] = shade[1];
    data[4 * at + 2] = shade[2];
    data[4 * at + 3] = isChosen ? 255 : faint * (90 + 165 * Math.log1p(counts[at]) / most);
  }
}

function paintGrid({width, height, data}, {counts, columns, rows}, reversed, {accent}) {
  const rgb = numbers(accent);
  const most = Math.log1p(max(counts.values()));
  for (let line = 0, at = 0; line < height; line++) {
    const up = Math.floor(line / height * rows);
    const row = reversed ? up : rows - 1 - up;
    for (let column = 0; column < width; column++, at += 4) {
      const count = counts.get(row * columns + Math.floor(column / width * columns));
      if (count) data.set([...rgb, 60 + 195 * Math.log1p(count) / most], at);
    }
  }
}

const written = value => String(Number(value.toPrecision(8)));
function between(column, one, other) {
  const [low, high] = [Math.min(one, other), Math.max(one, other)];
  return {column, low, high, holds: value => value >= low && value <= high, adql: name => `${name} BETWEEN ${written(low)} AND ${written(high)}`};
}
function outside(column, low, high) {
  return {column, low, high, holds: value => value <= low || value >= high, adql: name => `(${name} <= ${written(low)} OR ${name} >= ${written(high)})`};
}

// ---- a board with plots

export class Board {
  // `use(where)` is called when a selection shall become a condition.
  constructor(place, use) {
    this.place = place;
    this.use = use;
    this.figures = [];
    this.conditions = null;
    place.classList.add("plots");
  }

  add(plot) {
    const figure = document.createElement("figure");
    figure.className = plot instanceof Sky ? "plot sky" : "plot";
    const canvas = document.createElement("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", plot.title);
    const caption = document.createElement("figcaption");
    caption.append(Object.assign(document.createElement("strong"), {textContent: plot.title}));
    const entry = {plot, figure, canvas, sheet: null};
    const says = document.createElement("span");
    says.setAttribute("role", "status");
    entry.says = says;
    caption.append(
      button("PNG", () => canvas.toBlob(blob => save(blob, "plot.png"))),
      button("SVG", () => save(new Blob([entry.sheet.svg()], {type: "image/svg+xml"}), "plot.svg")),
      entry.useButton = button("Use as filter", () => this.use(this.conditions)),
      ...(plot.look ? [
        button("Zoom in", () => { plot.look(plot.middle, 1.6); this.draw(); }),
        button("Zoom out", () => { plot.look(plot.middle, 1 / 1.6); this.draw(); }),
      ] : []),
      button("Remove", () => { figure.remove(); this.figures = this.figures.filter(other => other !== entry); }),
      says,
    );
    figure.append(canvas, caption);
    this.place.append(figure);
    this.figures.push(entry);
    this.listen(entry);
    this.drawOne(entry);
    return entry;
  }

  drawOne(entry) {
    entry.sheet = new Sheet(entry.canvas, entry.plot.height);
    entry.plot.draw(entry.sheet, this.mask(entry.plot));
    const rows = this.chosen === undefined ? "" : `${this.chosen.toLocaleString()} selected: `;
    entry.says.textContent = this.conditions ? rows + this.conditions.map(({column, adql}) => adql(column.name)).join(" and ") : "";
    entry.useButton.disabled = !this.conditions;
  }

  draw() { this.figures.forEach(entry => this.drawOne(entry)); }

  // Which rows of the plotted columns are selected.
  mask(plot) {
    const rows = plot.x?.values?.length;
    if (!this.conditions || !rows || this.conditions.some(({column}) => column.values?.length !== rows)) return null;
    const mask = new Uint8Array(rows);
    let chosen = 0;
    for (let row = 0; row < rows; row++) {
      mask[row] = this.conditions.every(({column, holds}) => holds(column.values[row])) ? 1 : 0;
      chosen += mask[row];
    }
    this.chosen = chosen;
    return mask;
  }

  listen({plot, canvas, figure}) {
    let start = null;
    const place = event => {
      const box = canvas.getBoundingClientRect();
      return [(event.clientX - box.left) / box.width * WIDTH, (event.clientY - box.top) / box.height * plot.height];
    };
    const frame = figure.appendChild(Object.assign(document.createElement("div"), {className: "selection", hidden: true}));
    canvas.addEventListener("pointerdown", event => {
      start = place(event);
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", event => {
      if (!start) return;
      const [box, end] = [canvas.getBoundingClientRect(), place(event)];
      const ratio = box.width / WIDTH;
      frame.hidden = false;
      frame.style.left = `${canvas.offsetLeft + Math.min(start[0], end[0]) * ratio}px`;
      frame.style.top = `${canvas.offsetTop + Math.min(start[1], end[1]) * ratio}px`;
      frame.style.width = `${Math.abs(end[0] - start[0]) * ratio}px`;
      frame.style.height = `${Math.abs(end[1] - start[1]) * ratio}px`;
    });
    canvas.addEventListener("pointercancel", () => { start = null; frame.hidden = true; });
    canvas.addEventListener("pointerup", event => {
      const end = place(event);
      frame.hidden = true;
      const isClick = !start || Math.hypot(end[0] - start[0], end[1] - start[1]) < 4;
      this.conditions = isClick ? null : plot.conditions([...start, ...end]);
      this.chosen = undefined;
      start = null;
      this.draw();
    });
    if (plot.look) {
      // Without the key the wheel moves the page; a pinch comes as if with it.
      canvas.addEventListener("wheel", event => {
        if (!event.ctrlKey && !event.metaKey) return;
        event.preventDefault();
        plot.look(place(event), event.deltaY < 0 ? 1.4 : 1 / 1.4);
        this.draw();
      }, {passive: false});
    }
  }
}

function button(words, action) {
  const element = Object.assign(document.createElement("button"), {type: "button", textContent: words});
  element.addEventListener("click", action);
  return element;
}

function save(blob, name) {
  const link = Object.assign(document.createElement("a"), {href: URL.createObjectURL(blob), download: name});
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

export {Histogram, Scatter, Sky, isMagnitude};

// ---- the form above a board: `make(kind, x, y, options)` returns a plot

export function controls(place, columns, make) {
  const plottable = columns.filter(({number}) => number);
  const form = document.createElement("form");
  form.className = "fields";
  const choice = (words, name, options) => {
    const field = Object.assign(document.createElement("label"), {textContent: words});
    const select = Object.assign(document.createElement("select"), {name});
    options.forEach(option => select.append(new Option(option, option)));
    field.append(select);
    form.append(field);
    return select;
  };
  const tick = (words, name) => {
    const field = Object.assign(document.createElement("label"), {className: "inline"});
    field.append(Object.assign(document.createElement("input"), {type: "checkbox", name}), ` ${words}`);
    form.append(field);
  };
  const names = plottable.map(({name}) => name);
  choice("Plot", "kind", ["histogram", "scatter", "sky"]);
  choice("x", "x", names);
  choice("y", "y", names);
  tick("x logarithmic", "log");
  tick("y downwards", "reversed");
  const says = Object.assign(document.createElement("span"), {role: "status"});
  form.append(Object.assign(document.createElement("button"), {textContent: "Add the plot"}), says);
  const second = [form.elements.y, form.elements.reversed].map(field => field.closest("label"));
  form.elements.kind.addEventListener("change", () => {
    second.forEach(field => { field.hidden = form.elements.kind.value === "histogram"; });
  });
  second.forEach(field => { field.hidden = true; });
  if (names.length > 1) form.elements.y.value = names[1];
  form.elements.y.addEventListener("change", () => {
    form.elements.reversed.checked = isMagnitude(plottable.find(({name}) => name === form.elements.y.value));
  });
  form.addEventListener("submit", async event => {
    event.preventDefault();
    const {kind, x, y, log, reversed} = form.elements;
    const find = name => plottable.find(column => column.name === name);
    says.textContent = "…";
    try {
      await make(kind.value, find(x.value), find(y.value), {log: log.checked, reversed: reversed.checked});
      says.textContent = "";
    } catch (error) {
      says.textContent = error.message;
    }
  });
  place.append(form);
  return form;
}
