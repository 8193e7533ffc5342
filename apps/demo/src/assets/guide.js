// The tour: one step at a time, in any order; the short way through it first.
import { aloud, lookAt, post, say } from "./dom.js";
import { open } from "./computer.js";
import { follows, leaves } from "./next.js";

const steps = [...document.querySelectorAll("[data-step]")];
const dots = [...document.querySelectorAll("[data-to]")];
const [back, next, go, length, count, why] = ["back", "next", "go", "length", "count", "why"].map(
  (name) => document.getElementById(`guide-${name}`));
const [KEPT, WHOLE, ASIDE] = ["step", "whole", "aside"].map((name) => `towline-demo-${name}`);

const numbers = steps.map((part) => Number(part.dataset.step));
const short = numbers.filter((step) => steps[step - 1].dataset.short)
  .sort((one, other) => steps[one - 1].dataset.short - steps[other - 1].dataset.short);

const known = new Set();
let whole = sessionStorage.getItem(WHOLE) !== null;
/** How often each step was done; and by the time that it was opened, or before the long way. */
let times = {};
let opened = 0;
let begun = false;
let aside = JSON.parse(sessionStorage.getItem(ASIDE) ?? "{}");
let now;

const stops = () => (whole ? numbers : short);

function show(step, look = true) {
  const [way, before] = [stops(), now];
  now = way.includes(step) ? step : way[0];
  const at = way.indexOf(now);
  // One that was done before is gone through again.
  if (before !== undefined && (look || now !== before)) {
    opened = times[now] ?? 0;
    begun = false;
  }
  for (const part of steps) part.hidden = Number(part.dataset.step) !== now;
  document.body.dataset.now = now;
  document.body.dataset.by = steps[now - 1].dataset.by ?? "";
  document.body.dataset.tour = whole ? "whole" : "short";
  for (const dot of dots) {
    const [stop, place] = [Number(dot.dataset.to), way.indexOf(Number(dot.dataset.to))];
    dot.parentElement.hidden = place < 0;
    dot.querySelector(".number").textContent = place + 1;
    if (stop === now) dot.setAttribute("aria-current", "step");
    else dot.removeAttribute("aria-current");
  }
  back.disabled = at === 0;
  length.textContent = whole ? say("guide_short") : say("guide_whole");
  sessionStorage.setItem(KEPT, String(now));
  mark();
  if (look) lookAt(steps[now - 1].querySelector("h3"));
}

let starts = 0;

/** Opens the page on which the step begins, with the right person signed in. */
async function start() {
  const { url, who } = steps[now - 1].dataset;
  starts += 1;
  const mine = starts;
  opened = times[now] ?? 0;
  begun = true;
  leaves();
  mark();
  if (who) await post("v1/sign-in", { account: who === "nobody" ? null : who });
  // Of two that were pressed the last one counts, whichever is answered first.
  if (mine === starts) open(url);
}

/** Shows the dots of the way in its order, by whatever means the page is read. */
function arrange() {
  dots[0].closest("ol").append(...stops().map((step) => dots[step - 1].parentElement));
}

const isLast = () => now === stops().at(-1);

/** Where the tour is, and what to press next. */
function mark() {
  const done = known.has(now);
  // Steps in which nothing is marked are looked at.
  const { way } = steps[now - 1].dataset;
  const here = way === undefined ? done : (times[now] ?? 0) > opened;
  const place = say("guide_step", { number: stops().indexOf(now) + 1, of: stops().length });
  count.textContent = done ? `${place}: ${say("guide_done")}` : place;
  next.hidden = isLast();
  const finished = here && isLast();
  if (finished) document.body.setAttribute("data-over", "");
  follows({ step: steps[now - 1], begun, done: here, finished });
}

const beside = (by) => stops()[stops().indexOf(now) + by];
back.addEventListener("click", () => show(beside(-1)));
next.addEventListener("click", () => {
  show(beside(1));
  start();
});
go.addEventListener("click", start);
for (const dot of dots) dot.addEventListener("click", () => show(Number(dot.dataset.to)));
length.addEventListener("click", () => {
  whole = !whole;
  if (whole) sessionStorage.setItem(WHOLE, "");
  else sessionStorage.removeItem(WHOLE);
  arrange();
  show(now, false);
});

/** Marks the steps that were done, of which it is told how often. */
export function showDone(done) {
  let here = false;
  times = done;
  const newer = Object.entries(aside).some(([step, before]) => (done[step] ?? 0) < before);
  if (!whole || newer) {
    aside = whole ? {} : done;
    sessionStorage.setItem(ASIDE, JSON.stringify(aside));
  }
  for (const step of Object.keys(done).map(Number)) {
    // What the short way does besides is not a step that somebody took.
    const besides = !short.includes(step) && done[step] <= (aside[step] ?? 0);
    if (known.has(step) || besides) continue;
    known.add(step);
    const dot = dots[step - 1];
    dot.dataset.done = "";
    dot.querySelector(".state").textContent = say("guide_done");
    here ||= step === now;
  }
  // The name and the place come with one press; what follows is already on the screen.
  if (whole && now < 3 && known.has(1) && known.has(2) && !known.has(3)) show(3, false);
  mark();
  if (here) aloud(count.textContent);
}

/** Says what is missing, where a passkey is on another phone or a phone is not remembered. */
export function showWhy({ "phone-a": phone, "phone-b": other }) {
  const saved = !phone.busy && phone.passkeys.length > 0;
  const elsewhere = now === 4 && !known.has(4) && other.passkeys.length === 0;
  const forgotten = now === 5 && !known.has(5) && phone.computers === 0;
  why.hidden = !saved || !(elsewhere || forgotten);
  why.textContent = say(elsewhere ? "guide_elsewhere" : "guide_not_remembered");
}

arrange();
show(Number(sessionStorage.getItem(KEPT)), false);
start();
