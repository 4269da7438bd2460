// Questions to the server of this page.

const LONGEST_ADDRESS = 6000;

// An answer, or an error with the name of the parameter that it is about. A newer question of the same kind ends an
// older one that is still under way.
const underWay = new Map();

export class Refused extends Error {
  constructor(told) {
    super(told.message);
    this.parameter = told.parameter;
    this.reason = told.reason;
  }
}

export async function ask(path, query = "", kind = path) {
  underWay.get(kind)?.abort();
  const control = new AbortController();
  underWay.set(kind, control);
  const long = query.length > LONGEST_ADDRESS;
  const options = long
    ? { method: "POST", body: query, headers: { "Content-Type": "application/x-www-form-urlencoded" } } : {};
  let response;
  try {
    response = await fetch(long || !query ? path : `${path}?${query}`, { ...options, signal: control.signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server does not answer: is ssap-mirror serve still running?");
  }
  if (!response.ok) throw new Error(`The server answered with HTTP status ${response.status}`);
  const told = await response.json();
  if (told.status === "ERROR") throw new Refused(told);
  return told;
}

export const isOvertaken = (error) => error.name === "AbortError";
