// The devices: what they ask, what they keep, and whether they are near.
import { aloud, called, lookAt, make, post, say, whenOther } from "./dom.js";
import { question, worded } from "./questions.js";

const frame = document.getElementById("frame");

/** What devices ask by themselves, and not for a site. */
const OWN = ["add", "export", "import", "join", "lose", "reset"];

/** A passkey: what it is for, since when it is here, where else it is, and who has it, too. */
function row({ site, account, copies, since, exposed }, lost) {
  const clock = { timeStyle: "medium", hourCycle: "h23" };
  const time = new Date(since).toLocaleTimeString(document.documentElement.lang, clock);
  const here = [say("since", { time }), ...(lost ? [] : [say(`copies_${copies}`)])];
  return make("li", { class: exposed ? "exposed" : "" },
    make("span", { class: "account" }, account),
    make("span", { class: "site" }, site),
    copies && !exposed
      ? make("span", { class: `since ${copies}`, "data-since": since }, here.join(" · ")) : undefined,
    ...(exposed ? [
      make("span", { class: "todo" }, say("exposed")),
      make("button", {
        type: "button", class: "second", on: () => post("v1/tick-off", { exposed }),
      }, say("ticked")),
    ] : []));
}

/** Shows one device. */
function watch(article) {
  const id = article.dataset.device;
  const part = (selector) => article.querySelector(selector);
  const name = part("h3");
  const [asking, rest, list, none] = [".question", ".rest", ".passkeys", ".none"].map(part);
  const [notice, linked, scan] = [".rest > .notice", ".linked", ".scan"].map(part);

  scan?.addEventListener("click", () => post("v1/scan", { phone: id }));
  const paste = part(".paste");
  paste?.querySelector("button").addEventListener("click", () => {
    const field = paste.querySelector("input");
    post("v1/scan", { phone: id, text: field.value.trim() });
    field.value = "";
    paste.open = false;
  });
  part(".wipe")?.addEventListener("click", () => post("v1/wipe", { phone: id }));

  const [taking, giving] = [".import", ".export"].map(part);
  taking?.addEventListener("click", () => post("v1/import", { phone: id }));
  giving?.addEventListener("click", () => post("v1/export", { phone: id }));
  const [losing, renewing] = [".lose", ".renew"].map(part);
  losing?.addEventListener("click", () => post("v1/lose"));
  renewing?.addEventListener("click", () => post("v1/renew"));
  const offer = whenOther((file) => {
    if (!taking) return;
    taking.hidden = !file || file.from === id;
    taking.textContent = file ? say("import", { device: called(file.from) }) : "";
  });

  // As phones have it at the top: what they are near to.
  const where = make("span", { class: "where" });
  if (scan) part(".face").prepend(make("p", { class: "status" }, where));

  let last;
  // Only of what it asks now: another question that waits must not touch this one.
  const ask = whenOther((first, rung) => {
    // What is hidden has the focus no more.
    const hadFocus = asking.contains(document.activeElement);
    article.toggleAttribute("data-asks", Boolean(first));
    asking.hidden = !first;
    rest.hidden = Boolean(first);
    asking.replaceChildren(...(first ? [question(first, rung)] : []));
    if (first && first.number !== last?.number) {
      aloud(say("asks", { device: called(id), question: worded(first) }));
      lookAt(asking);
    } else if (hadFocus) {
      // What goes on at the site is looked at there, and all else where it was done.
      const next = OWN.includes(last.kind) ? name : frame;
      (first ? asking : next).focus({ preventScroll: true });
    }
    last = first ?? last;
  });

  const keep = whenOther((passkeys, lost) => {
    const buttons = () => [...list.querySelectorAll("button")];
    const at = buttons().indexOf(document.activeElement);
    none.hidden = passkeys.length > 0;
    list.hidden = passkeys.length === 0;
    list.replaceChildren(...passkeys.map((passkey) => row(passkey, lost)));
    // Whoever has ticked off one goes on with the next, or with the device that has them.
    if (at >= 0) (buttons()[at] ?? buttons().at(-1) ?? name).focus({ preventScroll: true });
  });

  const about = part(".about");
  const lose = whenOther((lost) => {
    article.toggleAttribute("data-lost", lost && id === "tablet");
    about.textContent = say(lost ? `about_${id}_lost` : `about_${id}`);
  });

  const tell = whenOther((said, busy, computers, near) => {
    article.toggleAttribute("data-busy", busy);
    article.toggleAttribute("data-far", !near);
    where.textContent = near ? say("near") : say("far");
    const text = busy ? say("serving") : said && say(`n_${said[0]}`, { detail: said[1] });
    notice.hidden = !text;
    notice.textContent = text ?? "";
    if (linked) linked.hidden = computers === 0;
  });

  const ofPair = ["phone-b", "tablet"].includes(id);
  return (view, file, lost) => {
    offer(file);
    // The computer's own questions are in its window.
    ask(id === "laptop" ? undefined : view.questions[0], view.rung);
    keep(view.passkeys, view.lost);
    if (ofPair) lose(lost);
    tell(view.notice, view.busy, view.computers, view.near);
  };
}

const articles = [...document.querySelectorAll("[data-device]")];
const watched = new Map(articles.map((article) => [article.dataset.device, watch(article)]));

export function showDevices(devices, file) {
  const { lost } = devices.tablet;
  for (const [id, show] of watched) show(devices[id], file, lost);
  document.querySelector(".lose").hidden = lost;
  document.querySelector(".renew").hidden = !lost;
}

/** Phones can scan as long as there is a code. */
export const showScans = whenOther((possible, busy) => {
  for (const button of document.querySelectorAll(".scan")) {
    button.disabled = !possible;
    button.title = possible ? "" : say("scan_none");
    button.classList.toggle("second", busy);
  }
});

const switches = [...document.querySelectorAll("[role=switch]")];
for (const button of switches) {
  button.addEventListener("click", () => {
    const on = button.getAttribute("aria-checked") !== "true";
    const { what, phone } = button.dataset;
    post("v1/switch", { what, on, ...(phone ? { phone } : {}) });
  });
}

export function showSwitches(conditions, devices) {
  for (const button of switches) {
    const { what, phone } = button.dataset;
    const on = what === "near" ? devices[phone].near : conditions[what];
    button.setAttribute("aria-checked", String(on));
    button.querySelector(".state").textContent = on ? say("on") : say("off");
  }
}
