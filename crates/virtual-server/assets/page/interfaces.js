// Credential, PublicKeyCredential and the two responses (WebAuthn L3 §5.1, §5.2).

const Credential = interfaceObject("Credential");
const PublicKeyCredential = interfaceObject("PublicKeyCredential", Credential);
const AuthenticatorResponse = interfaceObject("AuthenticatorResponse");
const AuthenticatorAttestationResponse =
  interfaceObject("AuthenticatorAttestationResponse", AuthenticatorResponse);
const AuthenticatorAssertionResponse =
  interfaceObject("AuthenticatorAssertionResponse", AuthenticatorResponse);

const copyOf = (buffer) => buffer && buffer.slice(0);

attribute(Credential, "id", (it) => it.json.id);
attribute(Credential, "type", () => "public-key");
attribute(PublicKeyCredential, "rawId", (it) => it.rawId);
attribute(PublicKeyCredential, "response", (it) => it.response);
attribute(PublicKeyCredential, "authenticatorAttachment",
  (it) => it.json.authenticatorAttachment ?? null);
operation(PublicKeyCredential, "getClientExtensionResults",
  (it) => extensionOutputs(it.json.clientExtensionResults));
operation(PublicKeyCredential, "toJSON", (it) => parseJson(writeJson(it.json)));

attribute(AuthenticatorResponse, "clientDataJSON", (it) => it.clientDataJSON);
attribute(AuthenticatorAttestationResponse, "attestationObject", (it) => it.attestationObject);
operation(AuthenticatorAttestationResponse, "getTransports", (it) => [...it.json.transports]);
operation(AuthenticatorAttestationResponse, "getAuthenticatorData",
  (it) => copyOf(it.authenticatorData));
operation(AuthenticatorAttestationResponse, "getPublicKey", (it) => copyOf(it.publicKey) ?? null);
operation(AuthenticatorAttestationResponse, "getPublicKeyAlgorithm",
  (it) => it.json.publicKeyAlgorithm);
attribute(AuthenticatorAssertionResponse, "authenticatorData", (it) => it.authenticatorData);
attribute(AuthenticatorAssertionResponse, "signature", (it) => it.signature);
attribute(AuthenticatorAssertionResponse, "userHandle", (it) => it.userHandle ?? null);

/** The outputs of extensions, new at each call, with buffers where the standard has them. */
function extensionOutputs(json) {
  const outputs = parseJson(writeJson(json ?? {}));
  const decode = (owner, ...names) => {
    for (const name of names) {
      if (typeof owner?.[name] === "string") owner[name] = fromBase64url(owner[name]).buffer;
    }
  };
  decode(outputs.prf?.results, "first", "second");
  decode(outputs.largeBlob, "blob");
  decode(outputs.hmacGetSecret, "output1", "output2");
  decode(outputs, "getCredBlob");
  return outputs;
}

/** The credential that a RegistrationResponseJSON or an AuthenticationResponseJSON describes. */
function credentialOf(json) {
  const members = { json: json.response };
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "publicKey",
    "signature", "userHandle"]) {
    const text = json.response[name];
    if (typeof text === "string") members[name] = fromBase64url(text).buffer;
  }
  const [owner, name] = "attestationObject" in members
    ? [AuthenticatorAttestationResponse, "AuthenticatorAttestationResponse"]
    : [AuthenticatorAssertionResponse, "AuthenticatorAssertionResponse"];
  const response = objectOf(owner, ["AuthenticatorResponse", name], members);
  return objectOf(PublicKeyCredential, ["Credential", "PublicKeyCredential"], {
    json, response, rawId: fromBase64url(json.rawId).buffer,
  });
}
