// Tables to TOPCAT, Aladin and others by SAMP, where a hub runs on this machine. The hub asks the user first.

import { toast } from "./dom.js";

// From a script of its own, which is no module.
const { samp } = globalThis;
const MTYPE = "table.load.votable";
let connector = null;

// Sends the address of a VOTable to whoever loads tables.
export function sendTable(address, name) {
  connector ??= new samp.Connector("ssap-mirror", { "samp.name": "ssap-mirror",
    "samp.description.text": "Spectra mirrored on this machine", "author.name": "ssap-mirror" });
  samp.ping((isThere) => {
    if (!isThere) {
      toast("No SAMP hub answers: start TOPCAT or Aladin, then send again");
      return;
    }
    connector.runWithConnection((connection) => send(connection, address, name),
      () => toast("The SAMP hub did not let this page in"));
  });
}

function send(connection, address, name) {
  const message = new samp.Message(MTYPE, { url: address, name, "table-id": address });
  connection.getSubscribedClients([MTYPE], (found) => {
    const others = Object.keys(found).length;
    if (!others) {
      toast("A SAMP hub runs, but no program on it loads tables");
      return;
    }
    connection.notifyAll([message], () => toast(`Sent to ${others === 1 ? "one program" : `${others} programs`}`),
      () => toast("The SAMP hub refused the message"));
  }, () => toast("The SAMP hub does not say who is there"));
}

addEventListener("pagehide", () => connector?.unregister());
