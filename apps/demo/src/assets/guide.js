// The tour: one step at a time, in any order.
import { aloud, lookAt, post, say } from "./dom.js";
import { open } from "./computer.js";

const steps = [...document.querySelectorAll("[data-step]")];
const dots = [...document.querySelectorAll("[data-to]")];
const [back, next] = ["guide-back", "guide-next"].map((id) => document.getElementById(id));
const go = document.getElementById("guide-go");
const site = document.body.dataset.site;
const KEPT = "towline-demo-step";

let now = 1;

function show(step, look = true) {
  now = Math.min(Math.max(step, 1), steps.length);
  for (const part of steps) part.hidden = Number(part.dataset.step) !== now;
  for (const dot of dots) {
    if (Number(dot.dataset.to) === now) dot.setAttribute("aria-current", "step");
    else dot.removeAttribute("aria-current");
  }
  back.disabled = now === 1;
  next.disabled = now === steps.length;
  sessionStorage.setItem(KEPT, String(now));
  if (look) lookAt(steps[now - 1].querySelector("h3"));
}

/** Opens the page on which the step begins, with the right person signed in. */
async function start() {
  const { path, who } = steps[now - 1].dataset;
  if (who) await post("v1/sign-in", { account: who === "nobody" ? null : who });
  open(site + path);
}

back.addEventListener("click", () => show(now - 1));
next.addEventListener("click", () => show(now + 1));
go.addEventListener("click", start);
for (const dot of dots) dot.addEventListener("click", () => show(Number(dot.dataset.to)));

const known = new Set();

/** Marks the steps that were done. */
export function showDone(done) {
  for (const step of done) {
    if (known.has(step)) continue;
    known.add(step);
    const dot = dots[step - 1];
    dot.dataset.done = "";
    dot.querySelector(".state").textContent = say("guide_done");
    if (step === now) {
      next.dataset.calls = "";
      aloud(`${say("guide_step", { number: step })}: ${say("guide_done")}`);
    }
  }
  // The name and the place come with one press; what follows is already on the screen.
  if (now < 3 && known.has(1) && known.has(2) && !known.has(3)) show(3, false);
  if (!known.has(now)) delete next.dataset.calls;
}

show(Number(sessionStorage.getItem(KEPT)) || 1, false);
start();
