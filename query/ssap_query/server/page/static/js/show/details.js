// All columns of one spectrum, with what its codes mean.

import { ask, isOvertaken } from "../api.js";
import { byId, count, element } from "../dom.js";
import { cellText, isLink, link } from "./table.js";

let shown = null;

// `request(number)` gives the question for one row of the answer.
export async function showDetails(number, total, about, request) {
  shown = { number, total, about, request };
  let told;
  try {
    told = await ask("row.json", request(number));
  } catch (error) {
    if (isOvertaken(error)) return;
    told = null;
    byId("details-body").replaceChildren(element("p", { className: "error", textContent: error.message }));
  }
  const row = new Map(told && told.rows.length ? told.columns.map((column, i) => [column.name, told.rows[0][i]]) : []);
  const name = cellText(row.get(about.roles.target_name) ?? row.get(about.roles.identity) ?? null);
  byId("details-title").textContent = `Row ${count(number + 1)} of ${count(total)}${name ? `: ${name}` : ""}`;
  byId("details-previous").disabled = number === 0;
  byId("details-next").disabled = number + 1 >= total;
  if (told) byId("details-body").replaceChildren(links(row, about), tableOf(told));
  byId("details-body").scrollTop = 0;
  if (!byId("details").open) byId("details").showModal();
}

function links(row, about) {
  const made = element("p", { className: "links" });
  const spectrum = cellText(row.get(about.roles.access_url) ?? null);
  if (isLink(spectrum)) made.append(link(spectrum, "Spectrum (from the service)"));
  const preview = about.columns.find((column) => column.ucd === "meta.ref.url;meta.preview");
  const picture = preview ? cellText(row.get(preview.name) ?? null) : "";
  if (isLink(picture)) made.append(link(picture, "Preview (from the service)"));
  return made;
}

function tableOf(told) {
  const lines = told.columns.map((column, i) => {
    const cell = told.rows[0]?.[i] ?? null;
    const text = cellText(cell);
    const value = element("td", {}, cell === null ? element("span", { className: "none", textContent: "no value" })
      : isLink(text) ? link(text) : text);
    if (cell !== null && column.unit) value.append(` ${column.unit}`);
    if (told.meanings[column.name]) value.append(element("span", { className: "meaning", textContent: told.meanings[column.name] }));
    return element("tr", {}, element("th", { scope: "row", textContent: column.name }), value,
      element("td", { className: "about", textContent: column.description || "" }));
  });
  return element("table", {}, element("tbody", {}, ...lines));
}

export function wireDetails() {
  const go = (step) => shown && showDetails(shown.number + step, shown.total, shown.about, shown.request);
  byId("details-close").addEventListener("click", () => byId("details").close());
  byId("details-previous").addEventListener("click", () => go(-1));
  byId("details-next").addEventListener("click", () => go(1));
}
