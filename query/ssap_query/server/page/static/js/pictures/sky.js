// The map: how many of all rows that match lie in each cell of the sky.

import { byId, colour, count, short } from "../dom.js";
import { circle, extent, field, mollweide } from "./projections.js";

const LARGEST_FIELD = 50; // degrees; what is wider is drawn on the whole sky
const STEPS = [45, 30, 15, 10, 5, 2, 1, .5, .2, .1, .05, .02, .01, .005, .002, .001];
let drawn = null;

// Draws the map of an overview; `region` is the circle that was asked for, if it was one. `on(ra, dec, size)` is called
// for a place that is pressed.
export function showSky(sky, region, on) {
  const cells = sky.corners.map((flat, i) => {
    const corners = [0, 2, 4, 6].map((k) => [flat[k], flat[k + 1]]);
    return { corners, middle: extent(corners), rows: sky.counts[i] };
  });
  const placed = cells.flatMap((cell) => cell.corners);
  const all = placed.length ? extent(region ? [...placed, ...circle(region.ra, region.dec, region.radius)] : placed) : null;
  const local = all && all.radius < LARGEST_FIELD;
  drawn = { sky, cells, region, on, projection: local ? field(all.ra, all.dec, Math.max(all.radius * 1.12, .002)) : mollweide() };
  draw();
  const most = Math.max(0, ...sky.counts), size = 58.63 / 2 ** sky.order;
  const unplaced = sky.unplaced ? `; ${count(sky.unplaced)} rows without a position are on no map` : "";
  const wide = size >= 1 ? `${short(size, 2)}°` : size * 60 >= 1 ? `${short(size * 60, 2)}′` : `${short(size * 3600, 2)}″`;
  byId("sky-caption").textContent = cells.length
    ? `ICRS; cells of ${wide}, 1 to ${count(most)} rows in each${unplaced}. Press a place to search there.`
    : `No row has a position${unplaced}`;
  byId("sky").setAttribute("aria-label", cells.length
    ? `Map of the sky: rows in ${count(cells.length)} cells of ${wide}` + (local ? `, around right ascension ${short(all.ra, 5)}°, declination ${short(all.dec, 4)}°` : "")
    : "Map of the sky: empty");
}

function frame(canvas) {
  const width = canvas.clientWidth || 600, height = canvas.clientHeight || 300;
  const { projection } = drawn;
  // A field fills the picture to its upper and lower edge; all of the sky from side to side.
  const scale = projection.whole ? Math.min(width / 2, height) - 4 : height / 2 - 16;
  return { width, height, scale, x0: width / 2, y0: height / 2 - (projection.whole ? 0 : 6) };
}

export function draw() {
  const canvas = byId("sky");
  if (!drawn || !canvas.clientWidth) return;
  const { projection, cells, region } = drawn;
  const { width, height, scale, x0, y0 } = frame(canvas);
  const dense = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * dense);
  canvas.height = Math.round(height * dense);
  const pen = canvas.getContext("2d");
  pen.scale(dense, dense);
  const at = ([ra, dec], near) => { const [x, y] = projection.forward(ra, dec, near); return [x0 + scale * x, y0 - scale * y]; };
  graticule(pen, at, width, height);
  const shades = [0, 1, 2, 3, 4].map((i) => colour(`--map-${i}`));
  // What would be too small to be seen is made so; single fibres larger than the cells of a survey.
  const least = cells.length < 150 ? 3 : 1.5;
  const most = Math.log(Math.max(2, ...cells.map((cell) => cell.rows)));
  for (const cell of cells) {
    const near = cell.middle.ra > 180 ? cell.middle.ra - 360 : cell.middle.ra;
    const corners = cell.corners.map((corner) => at(corner, near));
    cell.x = corners.reduce((sum, [x]) => sum + x / 4, 0);
    cell.y = corners.reduce((sum, [, y]) => sum + y / 4, 0);
    pen.fillStyle = shades[Math.min(4, Math.floor(Math.log(cell.rows) / most * 5))];
    pen.beginPath();
    corners.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    pen.fill();
    const wide = Math.max(...corners.map(([x]) => Math.abs(x - cell.x)));
    if (wide < least) pen.fillRect(cell.x - least, cell.y - least, 2 * least, 2 * least);
  }
  pen.lineWidth = 2;
  pen.strokeStyle = colour("--mark");
  if (region) line(pen, circle(region.ra, region.dec, region.radius).map((place) => at(place, region.ra > 180 ? region.ra - 360 : region.ra)));
  if (projection.whole) ringAround(pen, cells);
}

// A few cells on all of the sky would be overlooked.
function ringAround(pen, cells) {
  if (!cells.length) return;
  const x = cells.reduce((sum, cell) => sum + cell.x, 0) / cells.length, y = cells.reduce((sum, cell) => sum + cell.y, 0) / cells.length;
  const radius = Math.max(...cells.map((cell) => Math.hypot(cell.x - x, cell.y - y)));
  if (radius > 16) return;
  pen.beginPath();
  pen.arc(x, y, radius + 9, 0, 2 * Math.PI);
  pen.stroke();
}

function graticule(pen, at, width, height) {
  const { projection } = drawn;
  pen.lineWidth = 1;
  pen.strokeStyle = colour("--line");
  pen.fillStyle = colour("--soft");
  pen.font = "11px system-ui, sans-serif";
  if (projection.whole) {
    for (let dec = -60; dec <= 60; dec += 30) line(pen, range(-180, 180, 3).map((ra) => at([ra, dec], ra)));
    for (let ra = -180; ra <= 180; ra += 60) line(pen, range(-90, 90, 3).map((dec) => at([ra, dec], ra)));
    pen.textAlign = "center";
    for (let ra = -120; ra <= 120; ra += 60) pen.fillText(`${(ra + 360) % 360}°`, at([ra, 0], ra)[0], at([ra, 0], ra)[1] - 3);
    for (const dec of [-60, -30, 30, 60]) pen.fillText(`${dec}°`, at([0, dec])[0], at([0, dec])[1] - 3);
    return;
  }
  const [ra0, dec0] = projection.inverse(0, 0), radius = projection.radius;
  const aspect = width / height, high = Math.min(90, dec0 + radius), low = Math.max(-90, dec0 - radius);
  const step = STEPS.findLast((one) => radius / one <= 3) ?? STEPS[0];
  const narrow = Math.max(.05, Math.cos(Math.max(Math.abs(high), Math.abs(low)) * Math.PI / 180));
  const reach = Math.min(180, radius * aspect / narrow);
  const raStep = STEPS.findLast((one) => Math.min(180, radius * aspect / Math.max(.05, Math.cos(dec0 * Math.PI / 180))) / one <= 4) ?? STEPS[0];
  const inside = ([x, y]) => x > 2 && x < width - 2 && y > 2 && y < height - 14;
  pen.textAlign = "left";
  for (let dec = Math.ceil((low - step) / step) * step; dec <= high + step; dec += step) {
    if (Math.abs(dec) > 90) continue;
    const places = range(ra0 - reach, ra0 + reach, reach / 60).map((ra) => at([ra, dec]));
    line(pen, places);
    const left = places.filter(inside).sort((one, other) => one[0] - other[0])[0];
    if (left) pen.fillText(`${short(dec, 6)}°`, left[0] + 2, left[1] - 3);
  }
  pen.textAlign = "center";
  for (let ra = Math.ceil((ra0 - reach) / raStep) * raStep; ra <= ra0 + reach; ra += raStep) {
    const places = range(Math.max(-90, low - radius), Math.min(90, high + radius), radius / 30).map((dec) => at([ra, dec]));
    line(pen, places);
    const foot = places.filter(inside).sort((one, other) => other[1] - one[1])[0];
    if (foot && foot[1] > height * .7) pen.fillText(`${short((ra + 360) % 360, 6)}°`, foot[0], height - 3);
  }
}

function range(from, to, step) {
  const found = [];
  for (let value = from; value <= to + step * 1e-6; value += step) found.push(value);
  return found;
}

function line(pen, places) {
  pen.beginPath();
  places.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.stroke();
}

function placeOf(event) {
  const canvas = byId("sky"), { scale, x0, y0 } = frame(canvas);
  return drawn.projection.inverse((event.offsetX - x0) / scale, -(event.offsetY - y0) / scale);
}

export function wireSky() {
  const canvas = byId("sky");
  canvas.addEventListener("click", (event) => {
    const place = drawn && placeOf(event);
    if (!place) return;
    // As wide as a field of the whole sky is worth looking at, or a third of the field that is shown.
    const size = drawn.projection.whole ? 5 : drawn.projection.radius * 2 / 3;
    drawn.on(short(place[0], 6), short(place[1], 6), short(size, 2));
  });
  canvas.addEventListener("mousemove", (event) => {
    const place = drawn && placeOf(event);
    if (!place) { canvas.title = ""; return; }
    let best = null, apart = 12;
    for (const cell of drawn.cells) {
      const away = Math.hypot(cell.x - event.offsetX, cell.y - event.offsetY);
      if (away < apart) [best, apart] = [cell, away];
    }
    canvas.title = `${short(place[0], 6)}°, ${short(place[1], 5)}°` + (best ? `: ${count(best.rows)} rows about there` : "");
  });
  new ResizeObserver(draw).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}
