// The form of the search, made from what the server says of its parameters; errors stand at their fields.

import { byId, element, short } from "../dom.js";

const COMMON = ["POS", "SIZE", "BAND", "TIME", "SNR", "TARGETNAME"];
// Heads for people where the service's own say little.
const TITLES = { POS: "Position", SIZE: "Diameter", BAND: "Wavelength", TIME: "Date of observation", SNR: "Signal to noise",
  REDSHIFT: "Redshift", TARGETCLASS: "Object class", FLUXCALIB: "Flux calibration", WAVECALIB: "Wavelength calibration",
  SPATRES: "Spatial resolution", SPECRP: "Resolving power", FORMAT: "Media type", PUBDID: "Publisher's identifier",
  CREATORDID: "Creator's identifier", MTIME: "Date of publication", TOP: "Best ones only",
  WILDTARGET: "Name pattern, any case", WILDTARGETCASE: "Name pattern, this case", TARGETNAME: "Name of the object" };

export function buildForm(parameters) {
  const rank = (parameter) => COMMON.indexOf(parameter.name);
  const common = parameters.filter((one) => rank(one) >= 0).sort((one, other) => rank(one) - rank(other));
  byId("common").replaceChildren(...common.map(field));
  byId("more").replaceChildren(...parameters.filter((one) => rank(one) < 0).map(field));
  byId("more-parameters").hidden = parameters.every((one) => rank(one) >= 0);
}

function field(parameter) {
  const id = `field-${parameter.name}`;
  const title = TITLES[parameter.name] || parameter.title || parameter.name;
  const label = element("label", { for: id }, title, " ", element("span", { className: "unit",
    textContent: `${parameter.name}${parameter.unit ? ` [${parameter.unit}]` : ""}` }));
  const input = element("input", { id, name: parameter.name, type: "text", spellcheck: false,
    placeholder: parameter.examples[0] || "", "aria-describedby": `${id}-hint ${id}-error` });
  const made = element("div", { className: "field" }, label, input,
    element("p", { className: "error", id: `${id}-error`, hidden: true }),
    element("p", { className: "hint", id: `${id}-hint`, textContent: hint(parameter) }));
  if (parameter.options.length) {
    const list = element("datalist", { id: `${id}-options` }, ...parameter.options.map((value) => element("option", { value })));
    input.setAttribute("list", list.id);
    made.append(list);
  }
  return made;
}

function hint(parameter) {
  const parts = [parameter.description.split(" Compared with ")[0].replace(/\.$/, "")];
  if (parameter.minimum !== null) parts.push(`here ${bound(parameter.minimum)} to ${bound(parameter.maximum)}`);
  const others = parameter.examples.slice(1, 3).filter((example) => example.length < 32);
  if (others.length) parts.push(`or ${others.join(" or ")}`);
  return parts.join("; ");
}

function bound(text) {
  const number = Number(text);
  return Number.isFinite(number) ? short(number, 5) : text.slice(0, 10);
}

export function readForm() {
  const fields = new Map();
  for (const input of byId("search").querySelectorAll("input[name]"))
    if (input.value.trim()) fields.set(input.name, input.value.trim());
  return fields;
}

// What the address has but the form has not (MAXREC, a parameter that this mirror cannot answer) is kept by the caller.
export function fillForm(fields) {
  for (const input of byId("search").querySelectorAll("input[name]")) input.value = fields.get(input.name) || "";
  if ([...byId("more").querySelectorAll("input")].some((input) => input.value)) byId("more-parameters").open = true;
}

export const hasField = (name) => Boolean(byId(`field-${name}`));

export function clearErrors() {
  for (const input of document.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  for (const words of document.querySelectorAll(".field .error")) words.hidden = true;
}

// Shows an error beside the field it is about; says whether there is such a field.
export function showFieldError(parameter, message, { focus }) {
  const input = parameter === "QUERY" ? byId("query") : byId(`field-${parameter}`);
  if (!input) return false;
  const words = byId(parameter === "QUERY" ? "query-error" : `${input.id}-error`);
  words.textContent = message;
  words.hidden = false;
  input.setAttribute("aria-invalid", "true");
  const folded = input.closest("details");
  if (folded) folded.open = true;
  if (focus) input.focus();
  return true;
}

