// The answer elsewhere: files in every format, and the request as other programs write it.

import { byId, copy, count, element } from "./dom.js";
import { constraints, encoded, ssapRequest } from "./state.js";

const FORMAT_NAMES = { votable: "VOTable", binary2: "VOTable BINARY2", binary: "VOTable BINARY", fits: "FITS", csv: "CSV",
  "csv-bare": "CSV without a head", tsv: "TSV", ecsv: "ECSV", parquet: "Parquet", json: "JSON", text: "Text", html: "HTML" };

const here = (path) => new URL(path, location.href).href;

// Where the service holds rows back by itself, the limit is named, so that a file has all of them.
function all(state, about) {
  return about.default_maxrec && !state.fields.has("MAXREC") ? [["MAXREC", String(about.rows)]] : [];
}

export function answerAddress(state, about, format) {
  if (state.mode === "adql") {
    const limit = about.default_maxrec ? [["MAXREC", String(about.default_maxrec)]] : [];
    return `tap/sync?${encoded([["REQUEST", "doQuery"], ["LANG", "ADQL"], ["QUERY", state.query], ...limit, ["RESPONSEFORMAT", format]])}`;
  }
  return `ssap?${ssapRequest(state, [...all(state, about), ["RESPONSEFORMAT", format]])}`;
}

export function showDownloads(state, about, total) {
  const links = about.formats.map((format) => element("li", {}, element("a", {
    href: answerAddress(state, about, format.value), textContent: FORMAT_NAMES[format.name] || format.name,
    download: `${about.name}${format.ending}` })));
  const columns = state.mode === "adql" ? "the columns of the query"
    : `the columns of VERB=${state.verb || 2}${state.columns ? ", not those chosen by name" : ""}`;
  byId("download-list").replaceChildren(
    element("p", { textContent: `All ${count(total)} rows, with ${columns}, in the order of the service:` }),
    element("ul", { className: "formats" }, ...links));
}

export function showCopies(state, about, page) {
  const texts = state.mode === "adql" ? queryTexts(state, about) : searchTexts(state, about);
  if (page.adql) texts["ADQL"] = page.adql;
  byId("copy-list").replaceChildren(...Object.entries(texts).flatMap(([name, text]) => {
    const button = element("button", { type: "button", className: "plain", textContent: `Copy: ${name}` });
    button.addEventListener("click", () => copy(text, name));
    return [button, element("pre", { textContent: text })];
  }));
  if (state.mode === "search" && !page.adql) {
    byId("copy-list").append(element("p", { textContent: "ADQL has no words for one of these constraints." }));
  }
}

const shell = (text) => (/^[\w./:,=@+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
const python = (text) => JSON.stringify(text).replace(/[\u007f-\uffff]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);

function searchTexts(state, about) {
  const address = here(`ssap?${ssapRequest(state, all(state, about))}`);
  const asked = constraints(state);
  const verb = state.verb ? [["VERB", state.verb]] : [];
  const options = [...asked, ...verb].map(([name, value]) => `--${name === "FORMAT" ? "mime" : name.toLowerCase()}=${shell(value)}`);
  const pairs = [["REQUEST", "queryData"], ...asked, ...verb].map(([name, value]) => `(${python(name)}, ${python(value)})`);
  return {
    "address": address,
    "curl": `curl -o ${shell(`${about.name}.vot`)} ${shell(address)}`,
    "command line": `ssap-mirror query -m ${shell(about.name)} ${[...options, "-o"].join(" ")} ${shell(`${about.name}.vot`)}`,
    "Python": `import ssap_query as ssap\n\nmirror = ssap.open(${python(about.name)})\nfound = mirror.ssap([${pairs.join(", ")}])\ntable = found.to_astropy()`,
    "pyvo": `import pyvo\n\nquery = pyvo.dal.SSAQuery(${python(here("ssap"))})\nquery.update({${[...asked, ...verb, ...all(state, about)].map(([name, value]) => `${python(name)}: ${python(value)}`).join(", ")}})\ntable = query.execute().to_table()`,
  };
}

function queryTexts(state, about) {
  const address = here("tap");
  return {
    "ADQL": state.query,
    "curl": `curl -o ${shell(`${about.name}.vot`)} ${shell(`${address}/sync`)} -d REQUEST=doQuery -d LANG=ADQL --data-urlencode ${shell(`QUERY=${state.query}`)}`,
    "command line": `ssap-mirror adql -m ${shell(about.name)} ${shell(state.query)} -o ${shell(`${about.name}.vot`)}`,
    "Python": `import ssap_query as ssap\n\nmirror = ssap.open(${python(about.name)})\nfound = mirror.adql(${python(state.query)})\ntable = found.to_astropy()`,
    "pyvo": `import pyvo\n\nservice = pyvo.dal.TAPService(${python(address)})\ntable = service.run_sync(${python(state.query)}).to_table()`,
  };
}

export function showEndpoints(about) {
  const services = [["SSA", "ssap?", "spectra by position, wavelength, time"], ["Cone search", "scs?", "spectra about a position"],
    ["TAP", "tap", "queries in ADQL"]];
  if (about.mirrors.length > 1) services.push(["TAP, all mirrors", "/tap", "queries that join mirrors"]);
  services.push(["VOSI", "capabilities", "what the service can do"]);
  byId("endpoints").replaceChildren(...services.flatMap(([name, path, does]) => {
    const address = here(path);
    const button = element("button", { type: "button", className: "plain", textContent: "Copy", "aria-label": `Copy the ${name} address` });
    button.addEventListener("click", () => copy(address, `${name} address`));
    return [element("dt", { textContent: name, title: does }), element("dd", {}, element("code", { textContent: address })), element("dd", {}, button)];
  }));
}
