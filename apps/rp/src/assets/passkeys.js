// Both ceremonies: options from the site, to the browser, and its answer back.
import { say, texts } from "/assets/page.js";

/** What the site refused, in the person's language. */
class Refused extends Error {
  constructor(error) {
    // Where nothing could be read, not even who asks, it is said in English.
    super(error.text ?? error.message);
    this.code = error.code;
    this.more = error.more;
  }
}

async function ask(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Refused(answer.error);
  return answer;
}

/** Why keys can't be used here at all; nothing if they can. */
function hindrance() {
  if (!window.isSecureContext) {
    return texts.insecure.replace("{origin}", document.body.dataset.origin);
  }
  const parses = window.PublicKeyCredential?.parseCreationOptionsFromJSON;
  return parses ? undefined : texts.unsupported;
}

/** What a browser's or the site's refusal means to the person. */
function explain(error) {
  if (error instanceof Refused) return error.message;
  switch (error.name) {
    case "InvalidStateError":
      return texts.excluded;
    case "NotSupportedError":
    case "ConstraintError":
      return texts.not_possible;
    case "SecurityError":
      return texts.insecure.replace("{origin}", document.body.dataset.origin);
    case "TypeError":
      return texts.offline;
    default:
      return texts.cancelled;
  }
}

let waiting;

/** Says when a step's time runs out. Gives what stops that. */
function announceTime(seconds) {
  if (!(seconds > 60)) return () => {};
  const soon = setTimeout(() => say(texts.minute_left), (seconds - 60) * 1000);
  const over = setTimeout(() => {
    waiting?.abort();
    say(texts.ended, true);
  }, seconds * 1000);
  return () => {
    clearTimeout(soon);
    clearTimeout(over);
  };
}

/** Runs one ceremony at a time, with the button out of use. */
async function during(button, seconds, work) {
  if (button.getAttribute("aria-disabled") === "true") return;
  const impossible = hindrance();
  if (impossible) {
    say(impossible, true);
    return;
  }
  waiting?.abort();
  waiting = new AbortController();
  button.setAttribute("aria-disabled", "true");
  say(texts.working);
  const done = announceTime(Number(seconds));
  try {
    await work(waiting.signal);
  } catch (error) {
    say(explain(error), true);
    forget(error);
  } finally {
    done();
    button.removeAttribute("aria-disabled");
  }
}

/** Tells the authenticator of a passkey that this site does not know any more. */
function forget(error) {
  if (!error.more?.credentialId) return;
  window.PublicKeyCredential?.signalUnknownCredential?.(error.more).catch(() => {});
}

async function finishSignIn(begun, credential, button) {
  const { step, next } = button.dataset;
  const answer = { ceremony: begun.ceremony, credential: credential.toJSON(), step, next };
  const { next: on } = await ask("/session/finish", answer);
  say(texts.signing_in);
  location.assign(on);
}

export function signIn(button) {
  return during(button, button.dataset.seconds, async (signal) => {
    const { step, place } = button.dataset;
    const begun = await ask("/session/begin", { step, place });
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(begun.public_key);
    const credential = await navigator.credentials.get({ publicKey, signal });
    await finishSignIn(begun, credential, button);
  });
}

/** Lets the browser offer passkeys in the field for the name, without a window. */
export async function conditional(button) {
  if (hindrance()) return;
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  const mine = new AbortController();
  waiting = mine;
  try {
    const begun = await ask("/session/begin", {});
    if (mine.signal.aborted) return;
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(begun.public_key);
    const { signal } = mine;
    const credential = await navigator.credentials.get({
      publicKey,
      signal,
      mediation: "conditional",
    });
    await finishSignIn(begun, credential, button);
  } catch (error) {
    // Not chosen, or a button was pressed instead.
    if (error instanceof Refused) say(error.message, true);
    forget(error);
    if (error instanceof Refused && error.code === "unknown_ceremony") conditional(button);
  }
}

export function addKey(adding, button) {
  return during(button, adding.dataset.seconds, async (signal) => {
    const extended = document.getElementById("extended").checked;
    const wish = { name: adding.dataset.name, place: button.dataset.place, extended };
    const begun = await ask("/account/keys/begin", wish);
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(begun.public_key);
    const credential = await navigator.credentials.create({ publicKey, signal });
    const answer = { ceremony: begun.ceremony, credential: credential.toJSON() };
    const { next } = await ask("/account/keys/finish", answer);
    say(texts.adding);
    location.assign(next);
  });
}

/** Tells authenticators which passkeys are accepted and what the account is called. */
export async function tellAuthenticators() {
  const tell = window.PublicKeyCredential;
  if (!tell?.signalAllAcceptedCredentials) return;
  try {
    const response = await fetch("/account/signals", { headers: { Accept: "application/json" } });
    if (!response.ok) return;
    const { rpId, userId, allAcceptedCredentialIds, name, displayName } = await response.json();
    await tell.signalAllAcceptedCredentials({ rpId, userId, allAcceptedCredentialIds });
    await tell.signalCurrentUserDetails({ rpId, userId, name, displayName });
  } catch {
    // Nobody has to listen.
  }
}
