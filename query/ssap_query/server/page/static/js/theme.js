// Light, dark, or as the system has it; the choice is kept by the browser.

import { byId } from "./dom.js";

const THEMES = ["auto", "light", "dark"];
const WORDS = { auto: "as the system has them", light: "light", dark: "dark" };
const KEY = "ssap-mirror-theme";

function kept() {
  try { return localStorage.getItem(KEY) || "auto"; } catch { return "auto"; }
}

export function wireTheme(redraw) {
  let theme = THEMES.includes(kept()) ? kept() : "auto";
  const show = () => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    byId("theme").textContent = theme[0].toUpperCase() + theme.slice(1);
    byId("theme").setAttribute("aria-label", `Colours: ${WORDS[theme]}`);
    redraw();
  };
  byId("theme").addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    try { localStorage.setItem(KEY, theme); } catch { /* a browser that keeps nothing */ }
    show();
  });
  show();
}
