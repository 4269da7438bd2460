// The box for ADQL: examples to begin with, and the columns there are.

import { ask } from "../api.js";
import { byId, element } from "../dom.js";

// `run()` is called for Ctrl+Enter.
export function wireAdql(about, run) {
  byId("query").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      run();
    }
  });
  byId("column-names").replaceChildren(...about.columns.map((column) => {
    const button = element("button", { type: "button", className: "plain", textContent: column.name,
      title: [column.description, column.unit && `[${column.unit}]`].filter(Boolean).join(" ") });
    button.addEventListener("click", () => insert(/^[a-z_]\w*$/i.test(column.name) ? column.name : `"${column.name}"`));
    return button;
  }));
  ask("examples.json").then((told) => {
    byId("example").append(...told.examples.map((one) => new Option(one.title, one.query)));
    if (!byId("query").value && told.examples.length) byId("query").value = told.examples[0].query;
  }, () => { byId("example").closest(".field").hidden = true; });
  byId("example").addEventListener("change", () => {
    if (byId("example").value) byId("query").value = byId("example").value;
  });
}

function insert(text) {
  const box = byId("query");
  box.setRangeText(text, box.selectionStart, box.selectionEnd, "end");
  box.focus();
}
