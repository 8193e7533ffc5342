// The end of the script of the page: phones, and the codes that they scan.
let flaws = [];

function showPhone(it) {
  const id = it.phoneId;
  const path = `${here.session}/phones/${id}`;
  const name = it.options.name ?? it.options.preset;
  const short = element("span", { className: "id" }, id.slice(0, 6));
  const gone = () => call("DELETE", path);
  const wiped = () => call("POST", `${path}/wipe`);
  const change = (what) => call("PATCH", path, what);
  const listens = { type: "checkbox", id: `${id}-listening`, checked: it.listening };
  const listening = element("input", listens);
  listening.addEventListener("change", () => act(() => change({ listening: listening.checked })));
  const optionOf = ({ flaw, does }) => element("option", { value: flaw, title: does }, flaw);
  const options = flaws.map(optionOf);
  const works = element("option", { value: "" }, text("works"));
  const broken = element("select", { id: `${id}-broken` }, works, ...options);
  broken.value = it.broken?.flaw ?? "";
  const flaw = () => change({ broken: broken.value ? { flaw: broken.value } : null });
  broken.addEventListener("change", () => act(flaw));
  const connected = it.doing !== "idle";
  const { error, requests } = it.last ?? {};
  const state = element("p", { className: error ? "wrong" : "" });
  if (connected) state.append(text("phoneConnected"));
  else if (it.last) state.append(error ?? text("served", requests));
  return element(
    "article",
    { "aria-labelledby": `${id}-title` },
    element(
      "div",
      { className: "row" },
      element("h3", { id: `${id}-title` }, name, " ", short),
      button(`${id}-wipe`, text("wipe"), wiped, text("wipeAll", name)),
      button(`${id}-remove`, text("remove"), gone, text("removeAll", name)),
    ),
    state,
    connected
      ? button(`${id}-give-up`, text("giveUp"), () => call("DELETE", `${path}/connection`))
      : showCamera(id, path),
    ...showPerson(id, it, path, (switches) => ({ switches })),
    element("p", {}, text("phonePasskeys", it.passkeys, it.computers)),
    element(
      "div",
      { className: "row" },
      element("label", {}, listening, ` ${text("listening")}`),
      field(text("broken"), broken),
    ),
  );
}

// The field to give a phone a code.
function showCamera(id, path) {
  const code = { id: `${id}-code`, placeholder: "FIDO:/0123", autocomplete: "off" };
  const input = element("input", code);
  const picture = element("input", { id: `${id}-picture`, type: "file", accept: "image/png" });
  const scan = async () => {
    const [file] = picture.files;
    const seen = file ? { picture: await base64(file) } : { code: input.value };
    await call("POST", `${path}/scan`, { ...seen, wait: 0 });
    input.value = "";
  };
  return form(
    scan,
    field(text("code"), input),
    field(text("picture"), picture),
    element("button", { id: `${id}-scan` }, text("scan")),
  );
}

function base64(file) {
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.onerror = () => failed(reader.error);
    reader.readAsDataURL(file);
  });
}

function showScreen(it) {
  const id = it.screenId;
  const path = `${here.session}/screens/${id}`;
  const gone = () => call("DELETE", path);
  const made = element("article", {});
  made.append(element(
    "div",
    { className: "row" },
    element("h4", {}, `${it.verb} ${it.origin}`),
    button(`${id}-close`, text("close"), gone),
  ));
  if (it.over) {
    const said = it.error ?? text("signedIn");
    made.append(element("p", { className: it.error ? "wrong" : "" }, said));
  } else if (it.code) {
    const code = { className: "code", src: `v1/${path}/code.svg`, alt: text("codeOf") };
    made.append(element("img", code), element("p", { className: "id" }, it.code));
  } else {
    made.append(element("p", {}, text("ringing")));
  }
  return made;
}

// What a site of this name would ask for.
function show(verb) {
  const site = $("site").value.trim();
  const origin = ["https", `//${site}`].join(":");
  const challenge = "AAECAwQFBgcICQoLDA0ODw";
  const options = verb === "get" ? { challenge, rpId: site } : {
    challenge,
    rp: { id: site, name: site },
    user: { id: "MQ", name: "alice", displayName: "Alice" },
    pubKeyCredParams: [{ type: "public-key", alg: -7 }],
    authenticatorSelection: { residentKey: "required" },
  };
  return call("POST", `${here.session}/screens`, { verb, origin, options });
}

$("add-phone").addEventListener("click", () => {
  act(() => call("POST", `${here.session}/phones`, {}));
});
$("show").addEventListener("submit", (event) => {
  event.preventDefault();
  act(() => show(event.submitter?.value ?? "create"));
});
call("GET", "phone-flaws").then((said) => { flaws = said.flaws; }, () => {});
