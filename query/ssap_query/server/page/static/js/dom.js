// Elements, numbers and words, as every part of the page needs them.

export const byId = (id) => document.getElementById(id);

export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role" || name === "for") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children);
  return made;
}

export function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export const count = (number) => Number(number).toLocaleString("en");

// A number for people: as many digits as tell it from its neighbours.
export function short(number, digits = 4) {
  if (!Number.isFinite(number)) return String(number);
  if (number === 0) return "0";
  const size = Math.abs(number);
  if (size < 1e-3 || size >= 1e7) return number.toExponential(digits - 1).replace(/\.?0+e/, "e");
  return String(Number(number.toPrecision(Math.max(digits, Math.ceil(Math.log10(size))))));
}

export const dateOfMjd = (mjd) => new Date((mjd - 40587) * 864e5).toISOString().slice(0, 10);

let fading = 0;
export function toast(words) {
  byId("toast").textContent = words;
  clearTimeout(fading);
  fading = setTimeout(() => { byId("toast").textContent = ""; }, 5000);
}

export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    toast(`${what} copied`);
  } catch {
    toast("The browser does not let this page copy; mark the text and copy it by hand");
  }
}

// A colour of the style sheet as a canvas takes it.
export function colour(name) {
  const probe = element("span", { hidden: true });
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}
