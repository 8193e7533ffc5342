// Questions of devices, and the buttons that answer them.
import { make, post, say } from "./dom.js";

/** A button that answers, with what `reply` gives when it is pressed if that is a function. */
function button(number, text, reply, kind = "") {
  const answer = async ({ currentTarget }) => {
    const all = [...currentTarget.parentElement.children];
    const enable = (can) => all.forEach((other) => { other.disabled = !can; });
    // A button that can't be pressed loses the keys: who asked keeps them.
    currentTarget.closest("[tabindex]").focus({ preventScroll: true });
    enable(false);
    const given = typeof reply === "function" ? reply() : reply;
    // What did not arrive can be pressed again.
    enable(!await post("v1/answer", { question: number, reply: given }));
  };
  return make("button", { type: "button", class: kind, on: answer }, text);
}

/** The question, in words. */
export function worded(asked) {
  switch (asked.kind) {
    case "connect":
      return say(`q_connect_${asked.wants}`);
    case "create":
      return say("q_create", asked);
    case "use":
      return asked.account ? say("q_use", asked) : say("q_use_any", asked);
    case "verify":
      return say(`q_verify_${asked.purpose}`, asked);
    case "account":
      return say("q_account");
    case "remember":
      return say("q_remember");
    case "attest":
      return say("q_attest", asked);
    case "already":
      return say("q_already", asked);
    case "nothing":
      return say("q_nothing", asked);
    case "export":
      return say("q_export", asked);
    case "import":
      return say("q_import", asked);
    case "add":
    case "join":
    case "lose":
    case "reset":
      return say(`q_${asked.kind}`, asked);
    default:
      return asked.text ?? "";
  }
}

/** What is to be known besides. */
function more(asked) {
  if (asked.kind === "connect") return say("q_only_own");
  if (asked.kind === "create" && asked.replaces) return say("q_create_replaces");
  if (asked.kind === "verify" && asked.failed) return say("q_failed", asked);
  if (asked.kind === "export") {
    const stay = asked.stay > 0 ? ` ${say("q_export_stay", asked)}` : "";
    return `${say("q_export_text")}${stay}`;
  }
  if (asked.kind === "import") return say("q_import_text");
  if (["add", "join", "lose", "reset"].includes(asked.kind)) {
    return say(`q_${asked.kind}_text`, asked);
  }
  return undefined;
}

function connect(number, asked) {
  // The step that is about it asks for it.
  const checked = document.body.dataset.now === "5";
  const box = make("input", { type: "checkbox", id: `remember-${number}`, checked });
  const reply = () => (box.checked ? "remember" : "allow");
  return [
    asked.mayRemember
      ? make("p", { class: "tick" }, box,
        make("label", { for: `remember-${number}` }, say("b_remember")))
      : undefined,
    make("div", { class: "buttons" }, button(number, say("b_connect"), reply),
      button(number, say("b_refuse"), "refuse", "second")),
  ];
}

function buttons(number, asked) {
  const yesNo = (yes, no, kind = "") => [
    button(number, say(yes), "allow", kind),
    button(number, say(no), "refuse", "second"),
  ];
  switch (asked.kind) {
    case "verify":
      return [
        button(number, say("b_finger"), "finger", "finger"),
        button(number, say("b_wrong"), "wrong-finger", "second"),
        button(number, say("b_refuse"), "refuse", "quiet"),
      ];
    case "export":
    case "import":
    case "add":
    case "join":
    case "lose":
      return [
        button(number, say("b_finger"), "finger", "finger"),
        button(number, say("b_refuse"), "refuse", "quiet"),
      ];
    case "account":
      return [
        ...asked.accounts.map((name, index) =>
          button(number, name, { account: index }, "second account")),
        button(number, say("b_refuse"), "refuse", "quiet"),
      ];
    case "attest":
      return yesNo("b_tell", "b_keep");
    case "create":
      return yesNo("b_save", "b_refuse");
    case "use":
      return yesNo("b_sign_in", "b_refuse");
    case "reset":
      return yesNo("b_wipe", "b_refuse", "danger");
    case "nothing":
      return [button(number, say("b_seen"), "allow")];
    default:
      return yesNo("b_allow", "b_refuse");
  }
}

/** A question with its buttons; `rung` by a computer that the device knows. */
export function question(asked, rung = false) {
  const { number } = asked;
  const extra = more(asked) ?? (rung ? say("q_rings") : undefined);
  return make("div", { class: `asked ${asked.kind}` },
    make("p", { class: "ask" }, worded(asked)),
    extra ? make("p", { class: "more", role: asked.failed ? "alert" : undefined }, extra)
      : undefined,
    ...(asked.kind === "connect" ? connect(number, asked)
      : [make("div", { class: "buttons" }, ...buttons(number, asked))]));
}
