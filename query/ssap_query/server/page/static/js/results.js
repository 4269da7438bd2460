// What was found, and how it is told: status, notes, table, pictures; or nothing; or an error.

import { ask, isOvertaken } from "./api.js";
import { byId, count, element } from "./dom.js";
import { clearErrors, showFieldError } from "./ask/form.js";
import { showColumns } from "./show/columns.js";
import { showCopies, showDownloads } from "./share.js";
import { showHistograms } from "./pictures/histogram.js";
import { showPager, showTable } from "./show/table.js";
import { showSky } from "./pictures/sky.js";
import { constraints, encoded, ownParameters } from "./state.js";

// What the pictures are of, or are going to be of; and whether they still have to be drawn.
let drawnFor = null, isDrawn = false;

// The question for a page of a state.
export function question(state) {
  const asked = state.mode === "adql" ? [["QUERY", state.query]]
    : [["REQUEST", "queryData"], ...constraints(state), ...(state.verb ? [["VERB", state.verb]] : [])];
  return encoded([...asked, ...ownParameters(state)]);
}

// Asks for a page and shows it; returns it, or null if there is none.
export async function showResults(state, about, on) {
  const results = byId("results");
  clearErrors();
  results.setAttribute("aria-busy", "true");
  byId("status").className = "";
  byId("status").textContent = "Searching…";
  if (state.mode === "search" && pictureQuestion(state) !== drawnFor) setPicturesBusy(true);
  try {
    const page = await ask(state.mode === "adql" ? "adql.json" : "rows.json", question(state), "rows");
    show(page, state, about, on);
    if (state.mode === "search" && page.total) showPictures(state, about, on);
    results.setAttribute("aria-busy", "false");
    return page;
  } catch (error) {
    if (isOvertaken(error)) return null;
    results.setAttribute("aria-busy", "false");
    showError(error);
    return null;
  }
}

function show(page, state, about, on) {
  const status = byId("status");
  const spectra = state.mode === "adql" ? "rows" : page.total === 1 ? "spectrum" : "spectra";
  const of = state.mode === "adql" || page.total === about.rows ? "" : ` of ${count(about.rows)}`;
  status.replaceChildren(element("strong", { textContent: count(page.total) }), ` ${spectra}${of}`);
  if (page.status === "OVERFLOW") status.append("; there are more, which the limit of this server holds back");
  status.append(element("span", { className: "words", textContent: page.words.join("; ") }));
  byId("notes").replaceChildren(...page.notes.map((note) => element("li", { textContent: note })));
  byId("notes").hidden = !page.notes.length;
  byId("empty").hidden = page.total > 0;
  byId("answer").hidden = page.total === 0;
  if (page.total === 0) {
    forgetPictures();
    byId("empty").replaceChildren(element("p", { textContent: "Nothing matches." }),
      element("p", { textContent: state.mode === "adql" ? "The query was answered; it has no rows." : "Take a constraint away, or make a region or a range larger." }));
    return;
  }
  if (state.mode === "adql") forgetPictures();
  showTable(page, state, { sort: on.sort, details: state.mode === "adql" ? null : (row) => on.details(row, page) });
  showPager(page, state);
  byId("choose-columns").hidden = state.mode === "adql";
  if (state.mode === "search") showColumns(page, state);
  showDownloads(state, about, page.total);
  showCopies(state, about, page);
  document.querySelector(".scroll").scrollTop = 0;
}

function showError(error) {
  const known = error.parameter && showFieldError(error.parameter, error.message, { focus: true });
  byId("status").className = "error";
  byId("status").textContent = known ? `This cannot be answered: ${error.message}` : error.message;
  byId("notes").hidden = byId("answer").hidden = byId("empty").hidden = true;
  forgetPictures();
}

function forgetPictures() {
  drawnFor = null;
  byId("pictures").hidden = true;
  setPicturesBusy(false);
}

const setPicturesBusy = (busy) => byId("pictures").setAttribute("aria-busy", String(busy));

function pictureQuestion(state) {
  const histograms = state.histograms ? [["_histograms", state.histograms]] : [];
  return encoded([["REQUEST", "queryData"], ...constraints(state), ...histograms]);
}

// The pictures are of the whole match: another page or another order of it has the same.
async function showPictures(state, about, on) {
  const asked = pictureQuestion(state);
  setPicturesBusy(asked !== drawnFor || !isDrawn);
  if (asked === drawnFor) return;
  [drawnFor, isDrawn] = [asked, false];
  byId("pictures").hidden = false;
  byId("sky-caption").textContent = "Counting all rows…";
  try {
    const overview = await ask("overview.json", asked, "overview");
    if (drawnFor !== asked) return; // there is nothing to draw any more
    isDrawn = true;
    setPicturesBusy(false);
    showSky(overview.sky, regionOf(state.fields), on.place);
    showHistograms(byId("histograms"), overview, about, on.histograms);
  } catch (error) {
    if (isOvertaken(error) || drawnFor !== asked) return;
    forgetPictures();
    byId("notes").hidden = false;
    byId("notes").append(element("li", { textContent: `The pictures cannot be drawn: ${error.message}` }));
  }
}

// The circle that was asked for, where it is one in ICRS.
function regionOf(fields) {
  const numbers = (fields.get("POS") || "").split(",").map(Number);
  const size = Number(fields.get("SIZE") || 1 / 60);
  if (numbers.length !== 2 || !numbers.every(Number.isFinite) || !(size > 0 && size < 180)) return null;
  return { ra: numbers[0], dec: numbers[1], radius: size / 2 };
}
