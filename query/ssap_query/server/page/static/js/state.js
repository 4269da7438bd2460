// What the page shows, and its form in the address bar, so that reload, back and bookmarks work.
// Names with an underscore are the page's own, beside those of SSAP; the server knows them too.

export function emptyState() {
  return { mode: "search", fields: new Map(), query: "", verb: "", sort: "", offset: 0, rows: 50, columns: "", histograms: "" };
}

export function readState(search) {
  const state = emptyState();
  for (const [name, value] of new URLSearchParams(search)) {
    const upper = name.toUpperCase();
    if (name === "_sort") state.sort = value;
    else if (name === "_offset") state.offset = Math.max(0, Math.trunc(Number(value)) || 0);
    else if (name === "_rows") state.rows = Math.max(1, Math.trunc(Number(value)) || 50);
    else if (name === "_columns") state.columns = value;
    else if (name === "_histograms") state.histograms = value;
    else if (upper === "QUERY") Object.assign(state, { mode: "adql", query: value });
    else if (upper === "VERB") state.verb = value;
    else if (upper !== "REQUEST" && value.trim()) state.fields.set(upper, value);
  }
  return state;
}

// What chooses rows, for the service itself: no part of it is the page's own.
export function constraints(state) {
  return [...state.fields].map(([name, value]) => [name, value]);
}

export function ownParameters(state) {
  const pairs = [["_sort", state.sort], ["_offset", state.offset || ""], ["_rows", state.rows === 50 ? "" : state.rows],
    ["_columns", state.columns], ["_histograms", state.histograms]];
  return pairs.filter(([, value]) => value !== "").map(([name, value]) => [name, String(value)]);
}

export function address(state) {
  const asked = state.mode === "adql" ? [["QUERY", state.query]] : constraints(state);
  if (state.mode === "search" && state.verb) asked.push(["VERB", state.verb]);
  const text = encoded([...asked, ...ownParameters(state)]);
  return text ? `?${text}` : location.pathname;
}

export function ssapRequest(state, extra = []) {
  const verb = state.verb ? [["VERB", state.verb]] : [];
  return encoded([["REQUEST", "queryData"], ...constraints(state), ...verb, ...extra]);
}

// As URLSearchParams, but with the commas and slashes left that make positions and ranges readable.
export function encoded(pairs) {
  return pairs.map((pair) => pair.map((part) => encodeURIComponent(part).replaceAll("%2C", ",").replaceAll("%2F", "/")
    .replaceAll("%3A", ":")).join("=")).join("&");
}

