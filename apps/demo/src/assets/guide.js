// The tour: one step at a time, in any order; the short way through it first.
import { aloud, lookAt, post, say } from "./dom.js";
import { open } from "./computer.js";
import { follows } from "./next.js";

const steps = [...document.querySelectorAll("[data-step]")];
const dots = [...document.querySelectorAll("[data-to]")];
const [back, next, go, length, count, why] = ["back", "next", "go", "length", "count", "why"].map(
  (name) => document.getElementById(`guide-${name}`));
const [KEPT, WHOLE] = ["towline-demo-step", "towline-demo-whole"];

const numbers = steps.map((part) => Number(part.dataset.step));
const short = numbers.filter((step) => steps[step - 1].dataset.short)
  .sort((one, other) => steps[one - 1].dataset.short - steps[other - 1].dataset.short);

const known = new Set();
let whole = sessionStorage.getItem(WHOLE) !== null;
let finished = false;
let now;

const stops = () => (whole ? numbers : short);

function show(step, look = true) {
  const way = stops();
  now = way.includes(step) ? step : way[0];
  const at = way.indexOf(now);
  for (const part of steps) part.hidden = Number(part.dataset.step) !== now;
  document.body.dataset.now = now;
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

/** Opens the page on which the step begins, with the right person signed in. */
async function start() {
  const { url, who } = steps[now - 1].dataset;
  if (who) await post("v1/sign-in", { account: who === "nobody" ? null : who });
  open(url);
}

/** Shows the dots of the way in its order, by whatever means the page is read. */
function arrange() {
  dots[0].closest("ol").append(...stops().map((step) => dots[step - 1].parentElement));
}

const isLast = () => now === stops().at(-1);

/** Where the tour is, what to press next, and whether all of it is done. */
function mark() {
  const done = known.has(now);
  const place = say("guide_step", { number: stops().indexOf(now) + 1, of: stops().length });
  count.textContent = done ? `${place}: ${say("guide_done")}` : place;
  next.textContent = isLast() ? say("guide_finish") : say("guide_next");
  next.disabled = isLast() && !done;
  const over = finished || stops().every((step) => known.has(step));
  follows({ step: steps[now - 1], done, finished: over });
}

const beside = (by) => stops()[stops().indexOf(now) + by];
back.addEventListener("click", () => show(beside(-1)));
next.addEventListener("click", () => {
  finished = isLast();
  if (finished) return mark();
  show(beside(1));
  start();
});
go.addEventListener("click", start);
for (const dot of dots) dot.addEventListener("click", () => show(Number(dot.dataset.to)));
length.addEventListener("click", () => {
  whole = !whole;
  if (whole) sessionStorage.setItem(WHOLE, "");
  else sessionStorage.removeItem(WHOLE);
  finished = false;
  arrange();
  show(now, false);
});

/** Marks the steps that were done. */
export function showDone(done) {
  let here = false;
  for (const step of done) {
    if (known.has(step)) continue;
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

/** Says what is missing, where a phone was not let be remembered. */
export function showPhoneA({ passkeys, computers, busy }) {
  why.hidden = now !== 5 || busy || known.has(5) || passkeys.length === 0 || computers > 0;
}

arrange();
show(Number(sessionStorage.getItem(KEPT)), false);
start();
