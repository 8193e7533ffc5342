// What to do next: said in the bar, brought into view, and marked.
import { bring, called, say } from "./dom.js";

const frame = document.getElementById("frame");
const bar = document.getElementById("guide-now");
const [next, go] = ["next", "go"].map((name) => document.getElementById(`guide-${name}`));

/** What is marked on pages in the frame, by their addresses: to add a key, to sign in, to remove. */
const PAGES = {
  add: {
    "/account/add": "#name:invalid, main form button",
    "/account/add/where": "[data-place=phone]",
  },
  enter: {
    "/": "main form[action='/sign-in'] button",
    "/sign-in": "[data-sign-in]",
  },
  remove: {
    "/account": ".key a[href$='/remove']",
    "/account/keys/0/remove": "main button.danger",
  },
};

/** Where the page in the frame is, and what is marked on it. */
let inside = {};
let sent;
let state;
let tour = {};
let waiting;

window.addEventListener("message", ({ source, origin, data }) => {
  // Whatever the frame says is only said again.
  if (source !== frame.contentWindow) return;
  // The one that is left has nothing more to say.
  if (!inside.path && !data.loaded) return;
  inside = { ...data, origin };
  if (data.loaded) sent = "";
  show();
});

/** Asks the page in the frame to mark something. */
function want(wanted = "") {
  if (sent === wanted || !inside.origin) return;
  sent = wanted;
  frame.contentWindow.postMessage({ wanted }, inside.origin);
}

/**
 * What a device asks: its first button is the one that goes on, where the choice is not free. One
 * that the step does not mean has not sent anything yet, and says no.
 */
function answer(id, { kind, mayRemember }) {
  const meant = tour.step.dataset.by;
  const where = id === "laptop" || id === "browser" ? "#dialog" : `#${id}`;
  const choices = ["account", "add", "already", "attest", "join", "lose", "nothing", "reset"];
  const choice = choices.includes(kind);
  const part = document.querySelector(`${where} .asked${choice ? "" : " .buttons button"}`);
  const device = where === "#dialog" ? undefined : called(id);
  // The page may have gone on already.
  if (kind === "connect" && !part) return {};
  if (kind === "connect" && meant && id !== meant) {
    const no = part.nextElementSibling;
    const text = say("now_other", { meant: called(meant), button: no.textContent, device });
    return { text, parts: [no] };
  }
  if (mayRemember && tour.step.dataset.way === "phone") {
    return { text: say("now_tick", { button: part.textContent, device }), parts: [part] };
  }
  if (part && !choice) return press(part, device);
  return { text: say("now_answer", { device: device ?? called("laptop") }), parts: [part] };
}

/** A button of this page, or of a device on it. */
function press(part, device) {
  if (!part) return {};
  const button = part.textContent;
  const text = device ? say("now_on", { button, device }) : say("now_press", { button });
  return { text, parts: [part] };
}

/** The step that gives a phone what another step needs of it comes first. */
function first(phone) {
  const { step } = document.querySelector(`[data-who=home][data-by=${phone}]`).dataset;
  const dot = document.querySelector(`[data-to="${step}"]`);
  const number = dot.querySelector(".number").textContent;
  return { text: say("now_first", { device: called(phone), number }), parts: [dot] };
}

/** Whether a step signs in with a phone that has nothing for it. */
function lacks({ passkeys, unknown, computers }, way) {
  return passkeys.length === 0 || unknown || (way === "linked" && computers === 0);
}

function action() {
  const { browser, devices } = state;
  const { way, by: phone, who } = tour.step.dataset;
  const does = way === "" ? "remove" : who === "nobody" ? "enter" : "add";
  const early = way && does === "enter" && !tour.done && lacks(devices[phone], way);
  const asks = Object.entries(devices).find(([, { questions }]) => questions.length > 0);
  if (asks) return answer(asks[0], asks[1].questions[0]);
  const other = early || browser.ceremony !== { add: "create", enter: "get" }[does];
  if (way !== undefined && browser.ceremony && other) {
    return press(document.querySelector("#dialog > .quiet"));
  }
  if (early) return first(phone);
  const [asked] = browser.questions;
  if (asked && asked.kind !== "way") return answer("browser", asked);
  if (asked) {
    const part = way && document.querySelector(`#dialog .ways .${way}`);
    return part ? press(part) : {};
  }
  const busy = Object.values(devices).some((device) => device.busy);
  if (browser.code && !busy) {
    const scan = phone && document.querySelector(`#${phone} .scan`);
    return scan ? press(scan, called(phone)) : { parts: document.querySelectorAll(".scan") };
  }
  if (browser.ceremony) return { text: say("now_wait"), late: true };
  if (tour.finished) return end();
  if (tour.done) return press(next);
  if (way === undefined) return {};
  return tour.begun ? onThePage(does) : press(go);
}

/** The tour is over: what else there is. */
function end() {
  const button = document.getElementById("guide-length");
  if (document.body.dataset.tour === "whole") return { text: say("guide_end_whole") };
  return { text: say("guide_end", { button: button.textContent }), parts: [button] };
}

/** What is to be done on the page in the frame. */
function onThePage(does) {
  const wanted = PAGES[does][inside.path?.replace(/\d+/, "0")];
  if (!inside.path) return {};
  const { field, button } = inside;
  const found = field || button;
  const nothing = inside.wanted === wanted && !found;
  if (wanted && nothing && inside.path === "/account") return { ...first("phone-b"), wanted };
  if (!wanted || nothing) return { ...press(go), wanted };
  const text = field ? say("now_fill", { field }) : found && say("now_press", { button });
  return { text, parts: [document.querySelector(".window")], wanted };
}

/** Where a part is on the screen; in the frame, where the marked button is. */
function place(part) {
  if (!part.matches(".window")) return part.getBoundingClientRect();
  const { top } = frame.getBoundingClientRect();
  return { top: top + (inside.top ?? 0), bottom: top + (inside.bottom ?? 0) };
}

let marked = [];
function mark(parts, other) {
  const now = parts.filter((part) => part);
  for (const old of marked) if (!now.includes(old)) old.removeAttribute("data-calls");
  for (const part of now) {
    // The page in the frame marks its own.
    if (!part.matches(".window")) part.setAttribute("data-calls", "");
    // The bar is always in view.
    if ((other || !marked.includes(part)) && !part.closest(".walk")) bring(place(part));
  }
  marked = now;
}

function show() {
  if (!state || !tour.step) return;
  const { text = "", parts = [], wanted, late } = action();
  want(wanted);
  mark([...parts], text !== bar.textContent);
  clearTimeout(waiting);
  const tell = () => {
    if (bar.textContent !== text) bar.textContent = text;
  };
  // What passes in a moment need not be read.
  waiting = setTimeout(tell, late ? 600 : 0);
}

/** Another page is opened in the frame. */
export function leaves() {
  inside = {};
}

/** What happens at the devices and in the browser. */
export function showNext(news) {
  state = news;
  show();
}

/** Which step it is, whether its page was opened, whether it was done then, whether all is over. */
export function follows(news) {
  tour = news;
  show();
}
