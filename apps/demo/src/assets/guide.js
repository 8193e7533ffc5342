// The tour: one step at a time, in any order; the short way through it first.
import { aloud, lookAt, post, say } from "./dom.js";
import { open } from "./computer.js";

const steps = [...document.querySelectorAll("[data-step]")];
const dots = [...document.querySelectorAll("[data-to]")];
const [back, next, length, end] = ["guide-back", "guide-next", "guide-length", "guide-end"].map(
  (id) => document.getElementById(id));
const go = document.getElementById("guide-go");
const site = document.body.dataset.site;
const [KEPT, WHOLE] = ["towline-demo-step", "towline-demo-whole"];

const numbers = steps.map((part) => Number(part.dataset.step));
const short = numbers.filter((step) => steps[step - 1].dataset.short)
  .sort((one, other) => steps[one - 1].dataset.short - steps[other - 1].dataset.short);

const known = new Set();
let whole = sessionStorage.getItem(WHOLE) !== null;
let now;

const stops = () => (whole ? numbers : short);

function show(step, look = true) {
  const way = stops();
  now = way.includes(step) ? step : way[0];
  const at = way.indexOf(now);
  for (const part of steps) part.hidden = Number(part.dataset.step) !== now;
  const count = { number: at + 1, of: way.length };
  steps[now - 1].querySelector(".count").textContent =
    whole ? say("guide_step", count) : say("guide_short_step", count);
  for (const dot of dots) {
    const [stop, place] = [Number(dot.dataset.to), way.indexOf(Number(dot.dataset.to))];
    dot.parentElement.hidden = place < 0;
    dot.parentElement.style.order = place;
    dot.querySelector(".number").textContent = place + 1;
    if (stop === now) dot.setAttribute("aria-current", "step");
    else dot.removeAttribute("aria-current");
  }
  back.disabled = at === 0;
  next.disabled = at === way.length - 1;
  length.textContent = whole ? say("guide_short") : say("guide_whole");
  sessionStorage.setItem(KEPT, String(now));
  mark();
  if (look) lookAt(steps[now - 1].querySelector("h3"));
}

/** Opens the page on which the step begins, with the right person signed in. */
async function start() {
  const { path, who } = steps[now - 1].dataset;
  if (who) await post("v1/sign-in", { account: who === "nobody" ? null : who });
  open(site + path);
}

/** What to press next, and whether all of it is done. */
function mark() {
  next.toggleAttribute("data-calls", known.has(now));
  end.hidden = !stops().every((step) => known.has(step));
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
  show(now, false);
});

/** Marks the steps that were done. */
export function showDone(done) {
  for (const step of done) {
    if (known.has(step)) continue;
    known.add(step);
    const dot = dots[step - 1];
    dot.dataset.done = "";
    dot.querySelector(".state").textContent = say("guide_done");
    if (step === now) {
      aloud(`${steps[now - 1].querySelector(".count").textContent}: ${say("guide_done")}`);
    }
  }
  // The name and the place come with one press; what follows is already on the screen.
  if (whole && now < 3 && known.has(1) && known.has(2) && !known.has(3)) show(3, false);
  mark();
}

show(Number(sessionStorage.getItem(KEPT)), false);
start();
