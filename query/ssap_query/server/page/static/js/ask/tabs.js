// Two ways to ask, as tabs: arrow keys go from one to the other (WAI-ARIA, tabs pattern).

import { byId } from "../dom.js";

const MODES = ["search", "adql"];

export function showTab(mode) {
  for (const one of MODES) {
    const tab = byId(`tab-${one}`), chosen = one === mode;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    byId(one).hidden = !chosen;
  }
}

export function wireTabs() {
  for (const mode of MODES) {
    byId(`tab-${mode}`).addEventListener("click", () => showTab(mode));
    byId(`tab-${mode}`).addEventListener("keydown", (event) => {
      if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
      const other = MODES.find((one) => one !== mode);
      showTab(other);
      byId(`tab-${other}`).focus();
    });
  }
}
