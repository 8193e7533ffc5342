// The computer: the site's page in its window, and what the browser asks.
import { called, knows, lookAt, make, post, say, whenOther } from "./dom.js";
import { question } from "./questions.js";

const frame = document.getElementById("frame");
const dialog = document.getElementById("dialog");
const outcomePart = document.getElementById("outcome");

/** Opens a page in the window. */
export function open(url) {
  frame.src = url;
}

for (const button of document.querySelectorAll("[data-open]")) {
  button.addEventListener("click", () => open(button.dataset.open));
}
document.getElementById("as-home").addEventListener("click", async () => {
  await post("v1/sign-in", { account: "home" });
  open(`${document.body.dataset.site}/account`);
});

const cancel = () =>
  make("button", { type: "button", class: "quiet", on: () => post("v1/cancel") }, say("cancel"));

function code({ number, text }, scanned) {
  const next = scanned ? say("progress_scanned", { device: called(scanned) }) : say("code_do");
  return make("div", { class: "code" },
    make("img", { src: `code.svg?${number}`, alt: say("code_alt", { text }), width: 240,
      height: 240 }),
    make("p", {}, next),
    make("details", {}, make("summary", {}, say("code_text")),
      make("p", { class: "mono" }, text)));
}

function ways({ number, asked: { phones, ways } }, ceremony) {
  const answer = (reply) => () => post("v1/answer", { question: number, reply });
  const button = (text, reply, kind) =>
    make("li", {}, make("button", { type: "button", class: `way ${kind}`, on: answer(reply) },
      text));
  const title = ceremony === "create" ? say("way_title_create") : say("way_title");
  return [
    make("p", { class: "ask" }, title),
    make("ul", { class: "ways" },
      ...phones.map((phone, index) =>
        button(say("way_linked", { phone: called(phone) }), { linked: index }, "linked")),
      ...ways.map((way) => button(say(`way_${way}`), { way }, way))),
  ];
}

let openedBy;

const draw = whenOther((browser, laptop, scanned) => {
  const asked = [...browser.questions, ...laptop];
  if (!browser.ceremony) {
    const hadFocus = dialog.contains(document.activeElement);
    dialog.hidden = true;
    dialog.replaceChildren();
    openedBy = undefined;
    if (hadFocus) frame.focus();
    return;
  }
  const title = make("h3", { tabindex: -1 },
    say(`dialog_${browser.ceremony}`, { site: browser.site }));
  const parts = [title];
  for (const [what, name] of browser.said) {
    parts.push(make("p", { class: `said ${what}` }, say(`said_${what}`, { name: called(name) })));
  }
  const first = asked[0];
  if (first?.kind === "way") {
    parts.push(...ways({ number: first.number, asked: first }, browser.ceremony));
  } else if (first) {
    parts.push(question(first));
  } else if (browser.code) {
    parts.push(code(browser.code, scanned));
  }
  const step = browser.step?.[0];
  if (!first && !(scanned && browser.code) && step && knows(`progress_${step}`)) {
    parts.push(make("p", { class: "progress", role: "status" }, say(`progress_${step}`)));
  }
  parts.push(cancel());
  const hadFocus = dialog.contains(document.activeElement);
  dialog.replaceChildren(...parts);
  dialog.hidden = false;
  // The eye goes here when the dialog opens, and when it asks something else.
  const by = first?.number ?? browser.code?.number ?? 0;
  if (openedBy !== by || hadFocus) {
    openedBy = by;
    lookAt(title, dialog);
  }
});

const conclude = whenOther((outcome) => {
  outcomePart.hidden = !outcome;
  outcomePart.textContent = outcome ? say(`outcome_${outcome.code}`) : "";
});

export function showComputer(browser, laptop, scanned) {
  draw(browser, laptop, scanned);
  conclude(browser.outcome);
}
