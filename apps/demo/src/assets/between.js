// What travels between computer and phone, what the relay sees of it, and how long it takes.
import { calm, called, knows, make, say, speed, whenOther } from "./dom.js";

const list = document.getElementById("travels");
const relay = document.querySelector("#relay tbody");
const clear = document.getElementById("clear");
const dot = document.getElementById("dot");

/** How many messages are in the list at most. */
const SHOWN = 120;

clear.addEventListener("click", () => {
  list.replaceChildren();
  relay.replaceChildren();
  dress();
  list.closest("section").querySelector("h2").focus();
});

function dress() {
  const [none, some] = [list.childElementCount === 0, relay.childElementCount > 0];
  document.getElementById("no-travels").hidden = !none;
  clear.hidden = none;
  document.getElementById("no-relay").hidden = some;
  document.getElementById("relay").hidden = !some;
}

const who = (place) => (knows(`who_${place}`) ? say(`who_${place}`) : called(place));

const seconds = (ms) => `${(ms / 1000).toFixed(3)} s`;

/** One line that says what it is. */
function worded({ what, detail, to }) {
  switch (what) {
    case "tunnel":
      return say(`t_tunnel_${detail.what}`);
    case "frame":
      return say(`t_frame_${detail.part}`, detail);
    case "ctap":
      if (detail.status) return say("t_ctap_answer", detail);
      return to === "laptop" || to === "key" ? say("t_ctap_here", detail) : say("t_ctap", detail);
    default:
      return say(`t_${what}`, detail);
  }
}

/** All members, each beside its name. */
function members(value) {
  const entries = Array.isArray(value) ? value.map((it, index) => [String(index + 1), it])
    : Object.entries(value);
  return make("dl", {}, ...entries.flatMap(([name, it]) => [
    make("dt", {}, name),
    make("dd", {}, it !== null && typeof it === "object" && Object.keys(it).length > 0
      ? members(it) : make("span", { class: "mono" }, typeof it === "string" ? it
        : JSON.stringify(it))),
  ]));
}

/** What can be looked at, where there is something. */
function inside({ what, detail }) {
  if (what === "frame") return { hex: `${detail.hex}…` };
  if (what === "tunnel" || Object.keys(detail).length === 0) return undefined;
  if (!detail.members) return detail;
  const { bytes, length } = detail;
  return { ...detail.members, ...(bytes ? { [`(${length})`]: bytes } : {}) };
}

function line(travel) {
  const { from, to, at, what } = travel;
  const within = inside(travel);
  const head = make("span", { class: "head" },
    make("span", { class: "way" }, `${who(from)} → ${who(to)}`),
    make("span", { class: "what" }, worded(travel)),
    make("span", { class: "at" }, seconds(at)));
  return make("li", { class: what },
    within ? make("details", {}, make("summary", {}, head), members(within)) : head);
}

/** Where on the lane somebody stands, in percent. */
const posts = { site: 6, computer: 34, screen: 34, relay: 63, air: 63, phone: 94 };
const standing = (place) =>
  place === "laptop" || place === "key" ? posts.computer + 12 : (posts[place] ?? posts.phone);

const waiting = [];
let moving = false;

async function move() {
  if (moving) return;
  moving = true;
  while (waiting.length > 0) {
    // Who comes late sees the last ones only.
    if (waiting.length > 12) waiting.splice(0, waiting.length - 12);
    const { from, to, what } = waiting.shift();
    const [start, end] = [standing(from), standing(to)];
    if (start === end) continue;
    dot.className = what;
    dot.hidden = false;
    const way = [{ left: `${start}%`, opacity: 0 }, { opacity: 1, offset: 0.15 },
      { opacity: 1, offset: 0.85 }, { left: `${end}%`, opacity: 0 }];
    await dot.animate(way, { duration: 420 / speed(), easing: "ease-in-out" }).finished;
  }
  dot.hidden = true;
  moving = false;
}

export function showBetween(travels) {
  for (const travel of travels) {
    list.prepend(line(travel));
    if (travel.what === "frame") {
      const end = travel.from === "computer" ? say("relay_computer") : say("relay_phone");
      relay.prepend(make("tr", {}, make("td", {}, seconds(travel.at)), make("td", {}, end),
        make("td", {}, String(travel.detail.bytes))));
    }
    if (!calm()) waiting.push(travel);
  }
  while (list.childElementCount > SHOWN) list.lastElementChild.remove();
  while (relay.childElementCount > SHOWN) relay.lastElementChild.remove();
  dress();
  move();
}

const took = (us) => (us >= 100_000 ? `${(us / 1e6).toFixed(1)} s` : `${(us / 1000).toFixed(1)} ms`);

export const showTimed = whenOther((timed) => {
  if (!timed) return;
  const table = document.getElementById("timing");
  table.hidden = false;
  const most = Math.max(...timed.steps.filter((step) => !step.person).map((step) => step.us), 1);
  table.querySelector("tbody").replaceChildren(...timed.steps.map(({ step, us, person }) => {
    const bar = make("i", { class: person ? "length person" : "length", "aria-hidden": true });
    bar.style.width = `${Math.min(100, person ? 100 : (us / most) * 100)}%`;
    return make("tr", {}, make("th", { scope: "row" }, say(`s_${step}`)),
      make("td", {}, made(us), bar),
      make("td", {}, person ? say("timing_person") : say("timing_machine")));
  }));
  document.getElementById("timing-sum").textContent = say("timing_sum", {
    machine: (timed.machine_us / 1000).toFixed(0),
    person: (timed.person_us / 1e6).toFixed(1),
  });
});

const made = (us) => make("span", { class: "took" }, took(us));
