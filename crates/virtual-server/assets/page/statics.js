// The statics of PublicKeyCredential (WebAuthn L3 §5.1.6 to §5.1.11).

const capabilities = () => ask({ ask: "capabilities" }).answer;

staticOperation(PublicKeyCredential, "isUserVerifyingPlatformAuthenticatorAvailable", 0,
  async () => (await capabilities()).userVerifyingPlatformAuthenticator === true);
staticOperation(PublicKeyCredential, "isConditionalMediationAvailable", 0,
  async () => (await capabilities()).conditionalGet === true);
staticOperation(PublicKeyCredential, "getClientCapabilities", 0, async () => {
  const known = Object.entries(await capabilities());
  return Object.fromEntries(known.sort(([a], [b]) => (a < b ? -1 : 1)));
});
staticOperation(PublicKeyCredential, "parseCreationOptionsFromJSON", 1,
  creationOptionsFromJson, { promises: false });
staticOperation(PublicKeyCredential, "parseRequestOptionsFromJSON", 1,
  requestOptionsFromJson, { promises: false });

/** A text that has to be base64url: of all else, the Signal API says TypeError. */
const base64urlText = (value) => {
  const text = domString(value);
  if (fromBase64url(text)) return text;
  throw new TypeError(`"${text}" is not base64url`);
};

/**
 * One of the three signals (WebAuthn L3 §5.1.10). It is sent at once, and what the page does next
 * with credentials waits for it.
 */
function signal(name, members) {
  const options = dictionary(`${name}Options`, members);
  staticOperation(PublicKeyCredential, `signal${name}`, 1, (given) => {
    const kind = name[0].toLowerCase() + name.slice(1);
    const told = ask({ ask: "signal", options: { signal: kind, ...options(given) } }).answer;
    const settled = told.then(() => {}, () => {});
    signalled = Promise.all([signalled, settled]);
    return told.then(() => undefined);
  });
}

signal("UnknownCredential", { rpId: required(domString), credentialId: required(base64urlText) });
signal("AllAcceptedCredentials", {
  rpId: required(domString),
  userId: required(base64urlText),
  allAcceptedCredentialIds: required(sequence(base64urlText)),
});
signal("CurrentUserDetails", {
  rpId: required(domString),
  userId: required(base64urlText),
  name: required(domString),
  displayName: required(domString),
});
