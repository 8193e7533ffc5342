// What every page does when scripts run: local times, focus, time-outs; and what its buttons do.
import { addKey, conditional, signIn, tellAuthenticators } from "/assets/passkeys.js";
import { showTestDevice, showWays } from "/assets/ways.js";

export const texts = JSON.parse(document.getElementById("texts").textContent);
const language = document.documentElement.lang;

/** Says something, aloud as well. */
export function say(text, bad = false) {
  const status = document.getElementById("status");
  if (!status) return;
  status.classList.toggle("bad", bad);
  status.textContent = text;
}

for (const part of document.querySelectorAll("[data-script]")) part.hidden = false;

// Times as the person's own clock has them.
const format = new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, {
  dateStyle: "long",
  timeStyle: "short",
});
for (const time of document.querySelectorAll("time[datetime]")) {
  const at = new Date(time.dateTime);
  if (Number.isNaN(at.getTime())) continue;
  time.title = time.textContent;
  time.textContent = format.format(at);
}

document.querySelector("[data-focus]")?.focus();

// Whoever is signed in hears before it ends.
const session = Number(document.body.dataset.session);
if (session > 0) {
  const aloud = document.createElement("p");
  aloud.setAttribute("role", "status");
  document.getElementById("main").prepend(aloud);
  const announce = (text) => {
    aloud.className = "notice";
    aloud.textContent = text;
  };
  setTimeout(() => announce(texts.session_soon), (session - 120) * 1000);
  setTimeout(() => announce(texts.session_over), session * 1000);
}

for (const button of document.querySelectorAll("[data-sign-in]")) {
  button.addEventListener("click", () => signIn(button));
  if ("conditional" in button.dataset) conditional(button);
}

const adding = document.querySelector("[data-add]");
for (const button of adding?.querySelectorAll("[data-place]") ?? []) {
  button.addEventListener("click", () => addKey(adding, button));
}

showTestDevice(texts);
const ways = document.querySelector("[data-ways]");
if (ways) {
  const show = () => showWays(ways, texts);
  show();
  // Whoever goes on or off the net reads what is possible now.
  for (const event of ["online", "offline"]) window.addEventListener(event, show);
}

if (document.querySelector("[data-signals]")) tellAuthenticators();

// A page from the browser's memory may show what is not so any more.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
