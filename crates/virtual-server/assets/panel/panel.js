// The page of the service: what there is, what happens, and buttons for the person and for faults.
"use strict";

// Every text of the page, in English and in Danish.
const TEXTS = JSON.parse(document.getElementById("texts").textContent);

const MOST_SHOWN = 300;
const SECRETS = ["privateKey", "key", "prfSecret", "largeBlobKey", "fido2Extensions"];

const $ = (id) => document.getElementById(id);
const here = {
  session: location.hash.slice(1) || "default",
  after: 0,
  pageKey: "",
  turn: 0,
  connection: "connected",
  waiting: null,
};
let language = stored() ?? (navigator.language.startsWith("da") ? "da" : "en");
let known = [];

function stored() {
  const value = localStorage.getItem("language");
  return value === "en" || value === "da" ? value : null;
}

function text(key, ...values) {
  const template = TEXTS[key][language === "da" ? 1 : 0];
  return template.replace(/\{(\d)\}/g, (_, at) => String(values[at]));
}

// An element with properties and children; strings become text, never markup.
function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made && key !== "list") made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

function button(id, label, work, spoken) {
  const made = element("button", { type: "button", id }, label);
  if (spoken) made.setAttribute("aria-label", spoken);
  made.addEventListener("click", () => act(work));
  return made;
}

function field(label, control) {
  return element("label", {}, `${label} `, control);
}

function quiet(key) {
  return element("p", { className: "quiet" }, text(key));
}

function form(work, ...children) {
  const made = element("form", { className: "row" }, ...children);
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    act(work);
  });
  return made;
}

async function call(method, path, body, signal) {
  const options = { method, cache: "no-store", signal };
  if (body !== undefined) options.body = JSON.stringify(body);
  const response = await fetch(`v1/${path}`, options);
  const said = response.status === 204 ? {} : await response.json();
  if (!response.ok) throw new Error(said.error?.message ?? response.statusText);
  return said;
}

// Does what was asked for; what goes wrong is said where a screen reader reads it out.
async function act(work) {
  try {
    await work();
    $("said").textContent = "";
  } catch (error) {
    $("said").textContent = error.message;
  }
  await refresh().catch(() => connection("lost"));
}

function authenticatorPath(id, rest = "") {
  return `${here.session}/authenticators/${id}${rest}`;
}

async function refresh() {
  const turn = ++here.turn;
  const { sessions } = await call("GET", "sessions");
  if (here.session !== "default" && !sessions.includes(here.session)) enter("default");
  const [session, { authenticators }, { phones }, { screens }] = await Promise.all([
    call("GET", here.session),
    call("GET", `${here.session}/authenticators`),
    call("GET", `${here.session}/phones`),
    call("GET", `${here.session}/screens`),
  ]);
  const full = await Promise.all(authenticators.map(async (it) => {
    const id = it.authenticatorId;
    const [{ credentials }, person, { faults }] = await Promise.all([
      call("GET", authenticatorPath(id, "/credentials")),
      call("GET", authenticatorPath(id, "/person")),
      call("GET", authenticatorPath(id, "/faults")),
    ]);
    return { ...it, credentials, person, faults };
  }));
  // A later one has overtaken this.
  if (turn !== here.turn) return;
  if (here.pageKey && here.pageKey !== session.pageKey) startOver();
  here.pageKey = session.pageKey;
  showSessions(sessions);
  showAsked([...full, ...phones]);
  showList("authenticators", full, showAuthenticator, "none");
  showList("phones", phones, showPhone, "noPhones");
  showList("screens", screens, showScreen, "noScreens");
}

function showSessions(sessions) {
  const names = [...new Set(["default", ...sessions])];
  const shown = [...$("session").options].map((it) => it.value);
  if (names.join() !== shown.join()) {
    const options = names.map((name) => element("option", { value: name }, name));
    $("session").replaceChildren(...options);
  }
  $("session").value = here.session;
}

function showAsked(list) {
  const open = list.flatMap(({ person }) => person.open);
  const asked = open.map((question) => text("asked", question)).join(" ");
  if ($("asked").textContent !== asked) $("asked").textContent = asked;
}

// The focus, and what is typed, stay where they are.
function showList(name, list, show, none) {
  const shown = JSON.stringify([list, language, here.session]);
  const room = $(name);
  if (room.dataset.shown === shown) return;
  room.dataset.shown = shown;
  const { id: focused, selectionStart: caret } = document.activeElement ?? {};
  const fields = room.querySelectorAll("input:not([type=checkbox], [type=file]), select.kept");
  const values = [...fields].map(({ id, value }) => [id, value]);
  room.replaceChildren(...list.map(show));
  if (list.length === 0) room.append(element("p", { className: "quiet" }, text(none)));
  for (const [id, value] of values) if ($(id)) $(id).value = value;
  if (focused && document.activeElement === document.body) {
    ($(focused) ?? $(`${name}-title`) ?? $("phones-title")).focus();
    if (Number.isInteger(caret)) $(focused)?.setSelectionRange(caret, caret);
  }
}

function showAuthenticator(it) {
  const id = it.authenticatorId;
  const name = it.options.name ?? it.options.preset ?? it.options.transport ?? "synced-passkey";
  const short = element("span", { className: "id" }, id.slice(0, 6));
  const title = element("h3", { id: `${id}-title` }, name, " ", short);
  const gone = () => call("DELETE", authenticatorPath(id));
  const remove = button(`${id}-remove`, text("remove"), gone, text("removeAll", name));
  return element(
    "article",
    { "aria-labelledby": `${id}-title` },
    element("div", { className: "row" }, title, remove),
    ...showPerson(id, it, authenticatorPath(id), (change) => change),
    ...showPasskeys(id, it.credentials),
    ...showFaults(id, it.faults),
  );
}

// `wrapped` is how a change of switches stands in what is sent.
function showPerson(id, { person, switches }, owner, wrapped) {
  const path = `${owner}/person`;
  const answer = (words) => () => call("POST", `${path}/answer`, { answer: words });
  const input = (key, placeholder) => {
    return element("input", { id: `${id}-${key}`, placeholder, autocomplete: "off" });
  };
  const other = input("other", "picks=#1");
  const rules = input("rules", "signing-in: refuses once");
  const flag = (key, member) => {
    const properties = { type: "checkbox", id: `${id}-${key}`, checked: switches[member] };
    const box = element("input", properties);
    const change = () => call("PATCH", owner, wrapped({ [member]: box.checked }));
    box.addEventListener("change", () => act(change));
    return element("label", {}, box, ` ${text(key)}`);
  };
  const asked = element("div", { className: "asked" });
  if (person.open.length > 0) {
    asked.append(
      ...person.open.map((question) => element("p", {}, text("asked", question))),
      element(
        "div",
        { className: "row" },
        button(`${id}-agree`, text("agree"), answer("agrees")),
        button(`${id}-refuse`, text("refuse"), answer("refuses")),
        button(`${id}-fail`, text("fail"), answer("fails-the-lock")),
      ),
      form(
        () => answer(other.value)(),
        field(text("otherAnswer"), other),
        element("button", { id: `${id}-answer` }, text("answer")),
      ),
    );
  }
  const script = () => call("PUT", path, { rules: rules.value });
  const set = element("button", { id: `${id}-set-rules` }, text("setRules"));
  return [
    element("h4", {}, text("person")),
    asked,
    element(
      "div",
      { className: "row" },
      flag("consenting", "isUserConsenting"),
      flag("verified", "isUserVerified"),
    ),
    form(script, field(text("rules"), rules), set),
  ];
}

function showPasskeys(id, credentials) {
  const title = element("h4", {}, text("passkeys"));
  if (credentials.length === 0) return [title, quiet("noPasskeys")];
  const list = element("ul");
  for (const it of credentials) {
    const who = it.userName || text("nameless");
    const { rpId, signCount } = it;
    const counts = signCount !== null;
    const said = counts ? text("passkey", who, rpId, signCount) : text("uncounted", who, rpId);
    const line = element("summary", {}, said);
    const path = authenticatorPath(id, `/credentials/${it.credentialId}`);
    const spoken = text("removePasskey", who, it.rpId);
    const gone = () => call("DELETE", path);
    const remove = button(`${id}-${it.credentialId}`, text("remove"), gone, spoken);
    const details = element("details", {}, line, decoded(withoutSecrets(it)));
    list.append(element("li", {}, details, remove));
  }
  return [title, list];
}

function showFaults(id, faults) {
  const put = (rules) => call("PUT", authenticatorPath(id, "/faults"), { faults: rules });
  const rules = faults.map(({ count, ...rule }) => rule);
  const phases = { "": text("always"), create: text("registering"), get: text("signingIn") };
  const list = element("ul");
  faults.forEach((it, at) => {
    const line = text("came", it.fault, phases[it.phase ?? ""], it.count);
    const mend = () => put(rules.filter((_, other) => other !== at));
    const spoken = text("mend", it.fault);
    list.append(
      element("li", {}, line, button(`${id}-mend-${at}`, text("mendButton"), mend, spoken)),
    );
  });
  const options = (entries) => entries.map(([value, label]) => element("option", { value }, label));
  const names = known.map(({ fault, does }) => element("option", { title: does }, fault));
  const kept = { className: "kept" };
  const which = element("select", { id: `${id}-fault`, ...kept }, ...names);
  const whens = options(Object.entries(phases));
  const phase = element("select", { id: `${id}-phase`, ...kept }, ...whens);
  const rule = () => ({ fault: which.value, ...(phase.value && { phase: phase.value }) });
  const add = element("button", { id: `${id}-put-in` }, text("putIn"));
  return [
    element("h4", {}, text("faults")),
    faults.length > 0 ? list : quiet("noFaults"),
    form(
      () => put([...rules, rule()]),
      field(text("fault"), which),
      field(text("phase"), phase),
      add,
    ),
  ];
}

// A value member by member.
function decoded(value) {
  if (value === null || typeof value !== "object") return String(value);
  const entries = Object.entries(value);
  if (entries.length === 0) return Array.isArray(value) ? "[]" : "{}";
  if (Array.isArray(value) && value.every((it) => typeof it !== "object")) return value.join(", ");
  const pair = ([name, it]) => [element("dt", {}, name), element("dd", {}, decoded(it))];
  return element("dl", {}, ...entries.flatMap(pair));
}

function withoutSecrets(credential) {
  return Object.fromEntries(Object.entries(credential).filter(([name]) => !SECRETS.includes(name)));
}

function bytesLast(exchange) {
  const { bytes } = exchange;
  delete exchange.bytes;
  exchange.bytes = bytes;
}

function brief({ request, response, credential, question, verb, origin, error, message }) {
  if (request) return request.command;
  if (response) return `${response.command}: ${response.status ?? ""}`;
  if (credential) return `${credential.userName ?? ""} ${credential.rpId}`;
  return question ?? error ?? message ?? (verb ? `${verb} ${origin}` : "");
}

function showNotice(notice) {
  const { number, at, event, ...rest } = notice;
  if (rest.credential) rest.credential = withoutSecrets(rest.credential);
  for (const it of [rest.request, rest.response]) if (it) bytesLast(it);
  const name = element("span", { "data-event": event }, eventName(event));
  const time = element("span", { className: "at" }, `${(at / 1000).toFixed(1)} s`);
  const failed = rest.error || (rest.response && rest.response.status !== "CTAP2_OK");
  const line = [time, " ", name, " ", brief(rest)];
  const summary = element("summary", { className: failed ? "wrong" : "" }, ...line);
  const details = element("details", {}, summary, decoded(rest));
  const item = element("li", { hidden: isHidden(event) }, details);
  item.dataset.kind = event;
  return item;
}

function eventName(event) {
  return event in TEXTS ? text(event) : event;
}

function isHidden(event) {
  return $("requests").checked && !/request|response/i.test(event);
}

function showLog(notices) {
  const log = $("log");
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  log.append(...notices.map(showNotice));
  while (log.children.length > MOST_SHOWN) log.firstChild.remove();
  $("quiet").hidden = log.children.length > 0;
  if (atEnd) log.scrollTop = log.scrollHeight;
}

function enter(session) {
  here.session = session;
  location.hash = session;
  startOver();
  here.waiting?.abort();
}

function startOver() {
  here.after = 0;
  here.pageKey = "";
  $("log").replaceChildren();
  $("quiet").hidden = false;
}

function connection(state) {
  here.connection = state;
  const said = text(state);
  if ($("connection").textContent !== said) $("connection").textContent = said;
}

// Waits for what happens, for ever.
async function follow() {
  for (;;) {
    const session = here.session;
    try {
      await refresh();
      connection("connected");
      here.waiting = new AbortController();
      const path = `${session}/log?after=${here.after}&wait=20`;
      const { notices } = await call("GET", path, undefined, here.waiting.signal);
      if (session !== here.session) continue;
      showLog(notices);
      here.after = notices.at(-1)?.number ?? here.after;
    } catch {
      // Another session is looked at now.
      if (session !== here.session) continue;
      connection("lost");
      await new Promise((done) => setTimeout(done, 2000));
    }
  }
}

function translate() {
  document.documentElement.lang = language;
  document.title = text("title");
  for (const it of document.querySelectorAll("[data-text]")) it.textContent = text(it.dataset.text);
  for (const it of document.querySelectorAll("[data-event]")) {
    it.textContent = eventName(it.dataset.event);
  }
  connection(here.connection);
}

$("language").value = language;
$("language").addEventListener("change", () => {
  language = $("language").value;
  localStorage.setItem("language", language);
  translate();
  act(async () => {});
});
$("session").addEventListener("change", () => {
  enter($("session").value);
  act(async () => {});
});
$("make").addEventListener("submit", (event) => {
  event.preventDefault();
  const options = { preset: $("preset").value, ...($("pin").value && { pin: $("pin").value }) };
  act(() => call("POST", `${here.session}/authenticators`, options));
});
$("requests").addEventListener("change", () => {
  for (const it of $("log").children) it.hidden = isHidden(it.dataset.kind);
});
$("clear").addEventListener("click", () => $("log").replaceChildren());
translate();
call("GET", "faults").then(({ faults }) => {
  // Those by the number of a status are many, and come last.
  const key = ({ fault }) => `${fault.startsWith("status-")} ${fault}`;
  known = faults.sort((one, other) => key(one).localeCompare(key(other)));
}, () => {}).then(follow);
