// Follows what happens, and has each part show its share.
import { showBetween, showTimed } from "./between.js";
import { showComputer } from "./computer.js";
import { showDevices, showScans, showSwitches } from "./devices.js";
import { showDone, showWhy } from "./guide.js";
import { showNext } from "./next.js";

// Whoever has a browser without a way to phones may wonder whether all of this is for them.
const own = await Promise.resolve(globalThis.ownBrowser).catch(() => undefined);
document.getElementById("own-browser").hidden = own?.hybridTransport === true;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** How often in a row nothing answers before the page says that it is over. */
const PATIENCE = 4;

async function follow() {
  let [version, travel, silent] = [0, 0, 0];
  for (;;) {
    try {
      const response = await fetch(`v1/state?after=${version}&travel=${travel}`);
      if (!response.ok) throw new Error(response.statusText);
      const state = await response.json();
      silent = 0;
      document.getElementById("gone").hidden = true;
      showDevices(state.devices, state.file);
      const asks = ([, { questions }]) => questions.some(({ kind }) => kind === "connect");
      const scanned = Object.entries(state.devices).find(asks)?.[0];
      showComputer(state.browser, state.devices.laptop.questions, scanned);
      const busy = Object.values(state.devices).some((device) => device.busy);
      showScans(Boolean(state.browser.code), busy);
      showSwitches(state.switches, state.devices);
      showBetween(state.travels);
      showTimed(state.timed);
      showDone(state.done);
      showWhy(state.devices);
      showNext(state);
      version = state.version;
      travel = state.travels.at(-1)?.number ?? travel;
      document.body.dataset.version = version;
    } catch (error) {
      console.error(error);
      silent += 1;
      if (silent >= PATIENCE) document.getElementById("gone").hidden = false;
      await pause(300 * silent);
    }
  }
}

follow();
