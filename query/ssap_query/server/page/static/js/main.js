// The page: from the address bar to the results, and back.

import { ask } from "./api.js";
import { buildColumns } from "./show/columns.js";
import { showDetails, wireDetails } from "./show/details.js";
import { byId, count, element } from "./dom.js";
import { buildForm, fillForm, hasField, readForm } from "./ask/form.js";
import { question, showResults } from "./results.js";
import { sendTable } from "./samp.js";
import { answerAddress, showEndpoints } from "./share.js";
import { draw, wireSky } from "./pictures/sky.js";
import { address, emptyState, readState } from "./state.js";
import { offsetOf } from "./show/table.js";
import { showTab, wireTabs } from "./ask/tabs.js";
import { wireTheme } from "./theme.js";
import { wireAdql } from "./ask/adql.js";

let about = null, state = emptyState(), page = null;

const actions = {
  // Up, then down, then as it was.
  sort(name) {
    const next = state.sort === name ? `-${name}` : state.sort === `-${name}` ? "" : name;
    go({ sort: next, offset: 0 });
  },
  details(row, shown) {
    const one = { ...state, rows: 1, columns: "", verb: "" };
    showDetails(row, shown.total, about, (number) => question({ ...one, offset: number }));
  },
  place(ra, dec, size) {
    const fields = new Map(state.fields).set("POS", `${ra},${dec}`).set("SIZE", size);
    go({ fields, offset: 0 });
  },
  histograms: (names) => go({ histograms: names.join(",") }),
};

// Changes what is shown, remembers it in the history, and asks.
function go(change) {
  state = { ...state, ...change };
  const next = address(state);
  if (next !== location.pathname + location.search && next !== location.search) history.pushState(null, "", next);
  return show();
}

async function show() {
  showTab(state.mode);
  if (state.mode === "adql") byId("query").value = state.query;
  else fillForm(state.fields);
  const found = await showResults(state, about, actions);
  if (found) page = found;
  return found;
}

// Where the form is above the results, these come into view.
async function goTo(change) {
  const found = await go(change);
  if (found && matchMedia("(max-width: 60rem)").matches) byId("results").scrollIntoView();
}

function search() {
  const kept = [...state.fields].filter(([name]) => !hasField(name));
  goTo({ mode: "search", fields: new Map([...readForm(), ...kept]), offset: 0, sort: state.mode === "search" ? state.sort : "" });
}

function runQuery() {
  goTo({ mode: "adql", query: byId("query").value, offset: 0, sort: "" });
}

function wire() {
  byId("search").addEventListener("submit", (event) => { event.preventDefault(); search(); });
  byId("search").addEventListener("reset", (event) => {
    event.preventDefault();
    go({ ...emptyState(), rows: state.rows });
    byId("field-POS")?.focus();
  });
  byId("adql").addEventListener("submit", (event) => { event.preventDefault(); runQuery(); });
  for (const button of ["first-page", "previous-page", "next-page", "last-page"])
    byId(button).addEventListener("click", () => page && go({ offset: offsetOf(button, page, state.rows) }));
  byId("page-rows").addEventListener("change", () => go({ rows: Number(byId("page-rows").value), offset: 0 }));
  byId("samp").addEventListener("click", () =>
    sendTable(new URL(answerAddress(state, about, "votable/td"), location.href).href, `${about.name}: ${page ? count(page.total) : ""} spectra`));
  addEventListener("popstate", () => { state = readState(location.search); show(); });
  wireTabs();
  wireDetails();
  wireSky();
}

function showAbout() {
  document.title = about.title;
  byId("title").textContent = about.title;
  const line = byId("about");
  line.replaceChildren();
  if (about.synthetic) line.append(element("span", { className: "badge", textContent: "SYNTHETIC: these rows are made up" }), " ");
  line.append(`${count(about.rows)} spectra, mirrored ${about.created.slice(0, 10)}. Everything happens on this machine.`);
  for (const words of about.missing) line.append(element("div", { textContent: words }));
  if (about.mirrors.length < 2) return;
  byId("mirrors").hidden = false;
  byId("mirrors").replaceChildren(element("ul", {}, ...about.mirrors.map((mirror) => {
    const made = element("a", { href: `/${encodeURIComponent(mirror.name)}/`, title: mirror.title },
      mirror.name, " ", element("small", { textContent: `${count(mirror.rows)} rows${mirror.synthetic ? ", synthetic" : ""}` }));
    if (mirror.name === about.name) made.setAttribute("aria-current", "page");
    return element("li", {}, made);
  })));
}

async function start() {
  wireTheme(draw);
  about = await ask("about.json");
  showAbout();
  buildForm(about.parameters);
  buildColumns(about.columns, (change) => go(change));
  wireAdql(about, runQuery);
  showEndpoints(about);
  wire();
  state = readState(location.search);
  await show();
}

start().catch((error) => {
  byId("status").className = "error";
  byId("status").textContent = error.message;
});
