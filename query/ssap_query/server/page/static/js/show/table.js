// The table: one page of the answer. Sorting and paging are done by the server, over all of it.

import { byId, count, element } from "../dom.js";

// Of text, and of addresses: these differ at their ends.
const LONGEST = 48, LONGEST_LINK = 26;

export function cellText(cell) {
  if (cell === null) return "";
  if (Array.isArray(cell)) return cell.map((item) => (item === null ? "–" : cellText(item))).join(" ");
  return typeof cell === "object" ? JSON.stringify(cell) : String(cell);
}

export const isLink = (text) => /^https?:\/\/\S+$/.test(text);

export function link(text, label = text) {
  return element("a", { href: text, textContent: label, target: "_blank", rel: "noopener noreferrer" });
}

// Draws a page; `on.sort(name)` and `on.details(row)` are called for what is pressed.
export function showTable(page, state, on) {
  const sorted = state.sort.replace(/^-/, "");
  const heads = page.columns.map((column) => {
    const button = element("button", { type: "button", textContent: column.name });
    button.addEventListener("click", () => on.sort(column.name));
    const head = element("th", { scope: "col", title: column.description || "", className: column.number ? "number" : "" },
      button, element("small", { textContent: column.unit || "" }));
    if (column.name === sorted) head.setAttribute("aria-sort", state.sort.startsWith("-") ? "descending" : "ascending");
    return head;
  });
  const corner = on.details ? [element("th", { scope: "col" }, element("span", { className: "hidden", textContent: "Row" }))] : [];
  byId("head").replaceChildren(element("tr", {}, ...corner, ...heads));
  byId("body").replaceChildren(...page.rows.map((cells, i) => line(page, cells, i, on)));
  byId("caption").textContent = `${count(page.total)} rows; ${page.columns.length} columns`;
}

function line(page, cells, i, on) {
  const made = element("tr");
  if (on.details) {
    const number = page.offset + i;
    const button = element("button", { type: "button", className: "plain", textContent: count(number + 1),
      "aria-label": `Details of row ${count(number + 1)}` });
    button.addEventListener("click", () => on.details(number));
    made.append(element("th", { scope: "row" }, button));
  }
  cells.forEach((cell, k) => made.append(cellOf(cell, page.columns[k])));
  return made;
}

function cellOf(cell, column) {
  if (cell === null) return element("td", { className: "none", textContent: "—", title: "no value (NULL)" });
  const text = cellText(cell);
  const address = isLink(text);
  let shown = text;
  if (address && text.length > LONGEST_LINK) shown = `…${text.slice(1 - LONGEST_LINK)}`;
  else if (text.length > LONGEST) shown = `${text.slice(0, LONGEST - 1)}…`;
  const made = element("td", { className: column.number ? "number" : "" });
  if (text !== shown) made.title = text;
  made.append(address ? link(text, shown) : shown);
  return made;
}

export function showPager(page, state) {
  const last = page.offset + page.rows.length;
  byId("page-range").textContent = page.rows.length
    ? `${count(page.offset + 1)}–${count(last)} of ${count(page.total)}` : `none of ${count(page.total)}`;
  byId("first-page").disabled = byId("previous-page").disabled = page.offset === 0;
  byId("next-page").disabled = byId("last-page").disabled = last >= page.total;
  const sizes = byId("page-rows");
  if (![...sizes.options].some((option) => Number(option.value) === state.rows)) sizes.add(new Option(String(state.rows)));
  sizes.value = String(state.rows);
}

// Where each of the buttons leads.
export function offsetOf(button, page, rows) {
  const last = Math.max(0, Math.ceil(page.total / rows) - 1) * rows;
  return { "first-page": 0, "previous-page": Math.max(0, page.offset - rows), "next-page": page.offset + rows, "last-page": last }[button];
}
