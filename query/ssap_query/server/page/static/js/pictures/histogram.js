// Histograms of all rows that match; the server counts them.

import { count, dateOfMjd, element, short, svg } from "../dom.js";

const WIDTH = 300, HEIGHT = 120, FLOOR = 100, TOP = 14;

// Draws the histograms; `on(names)` is called when other columns are chosen.
export function showHistograms(place, overview, about, on) {
  const names = overview.histograms.map((one) => one.name);
  const choices = about.columns.filter((column) => column.number).map((column) => column.name);
  place.replaceChildren(...overview.histograms.map((one, i) => {
    const choose = element("select", { "aria-label": `Column of histogram ${i + 1}` },
      ...choices.map((name) => new Option(name, name, false, name === one.name)));
    choose.title = one.description || "";
    choose.addEventListener("change", () => on(names.map((name, k) => (k === i ? choose.value : name))));
    return element("figure", {}, choose, picture(one, about), element("figcaption", { textContent: words(one, about) }));
  }));
}

const isDate = (one, about) => [about.roles.t_mid, about.roles.t_min, about.roles.t_max].includes(one.name) && one.unit === "d";

const unit = (one, about) => (one.unit && !isDate(one, about) ? `[${one.unit}]` : "");

function label(value, one, about) {
  return isDate(one, about) ? dateOfMjd(value) : short(value);
}

function words(one, about) {
  if (!one.without && !one.below && !one.above) return unit(one, about) || "every row has a value";
  const parts = [unit(one, about), one.without ? `${count(one.without)} without a value` : "",
    one.below ? `${count(one.below)} below (from ${label(one.least, one, about)})` : "",
    one.above ? `${count(one.above)} above (to ${label(one.largest, one, about)})` : ""];
  return parts.filter(Boolean).join("; ");
}

function picture(one, about) {
  const most = Math.max(1, ...one.counts);
  const step = WIDTH / Math.max(1, one.counts.length), width = (one.high - one.low) / Math.max(1, one.counts.length);
  const bars = one.counts.map((rows, i) => {
    const tall = (rows / most) * (FLOOR - TOP);
    const from = one.low + i * width;
    return svg("rect", { class: "bar", x: i * step, y: FLOOR - tall, width: Math.max(.5, step - 1), height: tall },
      svg("title", {}, `${label(from, one, about)} to ${label(from + width, one, about)}: ${count(rows)}`));
  });
  const said = one.counts.length
    ? `Histogram of ${one.name}, ${label(one.low, one, about)} to ${label(one.high, one, about)}, at most ${count(most)} rows in a bin`
    : `Histogram of ${one.name}: no row has a value`;
  const texts = one.counts.length ? [
    svg("text", { x: 0, y: HEIGHT - 6 }, label(one.low, one, about)),
    svg("text", { x: WIDTH / 2, y: HEIGHT - 6, "text-anchor": "middle" }, one.counts.length > 1 ? label((one.low + one.high) / 2, one, about) : ""),
    svg("text", { x: WIDTH, y: HEIGHT - 6, "text-anchor": "end" }, one.counts.length > 1 ? label(one.high, one, about) : ""),
    svg("text", { x: 0, y: 10 }, `${count(most)} in a bin`),
  ] : [svg("text", { x: WIDTH / 2, y: FLOOR / 2, "text-anchor": "middle" }, "no values")];
  return svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": said },
    ...bars, svg("line", { x1: 0, y1: FLOOR, x2: WIDTH, y2: FLOOR }), ...texts);
}
