// Which columns the table has: a group of them, or any by name.

import { byId, element } from "../dom.js";

const GROUPS = { 1: "The most important", 2: "The useful", 3: "All" };

// `on(change)` gets what changes: `{ verb, columns }`.
export function buildColumns(columns, on) {
  const buttons = Object.entries(GROUPS).map(([verb, words]) => {
    const button = element("button", { type: "button", className: "plain", textContent: words, value: verb });
    button.addEventListener("click", () => on({ verb: verb === "2" ? "" : verb, columns: "" }));
    return button;
  });
  byId("verbs").replaceChildren(...buttons);
  byId("column-list").replaceChildren(...columns.map((column) => {
    const box = element("input", { type: "checkbox", value: column.name });
    box.addEventListener("change", () => {
      const chosen = [...byId("column-list").querySelectorAll("input:checked")].map((one) => one.value);
      if (!chosen.length) box.checked = true;
      else on({ columns: chosen.join(",") });
    });
    return element("label", { title: column.description || "" }, box, ` ${column.name}`,
      column.unit ? ` [${column.unit}]` : "");
  }));
  byId("column-filter").addEventListener("input", filter);
}

function filter() {
  const wanted = byId("column-filter").value.trim().toLowerCase();
  for (const label of byId("column-list").children)
    label.hidden = !`${label.textContent} ${label.title}`.toLowerCase().includes(wanted);
}

export function showColumns(page, state) {
  const shown = new Set(page.columns.map((column) => column.name));
  for (const box of byId("column-list").querySelectorAll("input")) box.checked = shown.has(box.value);
  for (const button of byId("verbs").children)
    button.setAttribute("aria-pressed", String(!state.columns && button.value === (state.verb || "2")));
}
