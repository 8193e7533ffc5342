() => {
  // Carries calls of navigator.credentials by hand, where nothing may connect to the service:
  // whoever drives the browser reads `towline.asked()`, has each call answered, and hands the
  // answer to `towline.answer()`. What comes out looks as sites read it; the script for pages has
  // the exact shapes of Web IDL.
  if (window.towline) return "passkeys are carried by hand here already";
  if (!navigator.credentials) {
    throw new Error("there is no navigator.credentials here: the page is no secure context, or " +
      "the browser has none");
  }
  const calls = [];
  let last = 0;

  const toText = (bytes) => btoa(Array.from(bytes, (it) => String.fromCharCode(it)).join(""))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const toBuffer = (text) => Uint8Array.from(
    atob(text.replaceAll("-", "+").replaceAll("_", "/")), (it) => it.charCodeAt(0)).buffer;

  /** Options as JSON: byte strings are base64url. */
  const plain = (value) => {
    if (value instanceof ArrayBuffer) return toText(new Uint8Array(value));
    if (ArrayBuffer.isView(value)) {
      return toText(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
    }
    if (Array.isArray(value)) return value.map(plain);
    if (value === null || typeof value !== "object") return value;
    const members = {};
    for (const name in value) members[name] = plain(value[name]);
    return members;
  };

  /** An object of this interface, as far as the browser has it, with these members. */
  const made = (name, members) => {
    const object = Object.create(window[name]?.prototype ?? Object.prototype);
    for (const [member, value] of Object.entries(members)) {
      Object.defineProperty(object, member, { value, enumerable: true });
    }
    return object;
  };

  const responseOf = (json) => {
    const buffer = (name) => (typeof json[name] === "string" ? toBuffer(json[name]) : null);
    const clientDataJSON = buffer("clientDataJSON");
    if (json.attestationObject === undefined) {
      return made("AuthenticatorAssertionResponse", {
        clientDataJSON,
        authenticatorData: buffer("authenticatorData"),
        signature: buffer("signature"),
        userHandle: buffer("userHandle"),
      });
    }
    return made("AuthenticatorAttestationResponse", {
      clientDataJSON,
      attestationObject: buffer("attestationObject"),
      getAuthenticatorData: () => buffer("authenticatorData"),
      getPublicKey: () => buffer("publicKey"),
      getPublicKeyAlgorithm: () => json.publicKeyAlgorithm,
      getTransports: () => [...(json.transports ?? [])],
    });
  };

  /** What extensions say: prf and largeBlob give byte strings. */
  const extensionsOf = ({ prf, largeBlob, ...others } = {}) => {
    const results = { ...others };
    if (prf) {
      results.prf = { ...prf };
      const pairs = Object.entries(prf.results ?? {}).map(([name, it]) => [name, toBuffer(it)]);
      if (prf.results) results.prf.results = Object.fromEntries(pairs);
    }
    if (largeBlob) {
      results.largeBlob = { ...largeBlob };
      if (largeBlob.blob !== undefined) results.largeBlob.blob = toBuffer(largeBlob.blob);
    }
    return results;
  };

  const credentialOf = (json) => made("PublicKeyCredential", {
    id: json.id,
    rawId: toBuffer(json.rawId ?? json.id),
    type: "public-key",
    authenticatorAttachment: json.authenticatorAttachment ?? null,
    response: responseOf(json.response),
    getClientExtensionResults: () => extensionsOf(json.clientExtensionResults),
    toJSON: () => structuredClone(json),
  });

  const drop = (call) => {
    const at = calls.indexOf(call);
    if (at >= 0) calls.splice(at, 1);
    return at >= 0;
  };

  const operation = (tool, native) => (given) => {
    if (!given?.publicKey) return native.call(navigator.credentials, given);
    const { signal, mediation = "optional", publicKey } = given;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) throw signal.reason;
      const passed = { origin: window.origin, options: plain(publicKey), mediation };
      const call = { id: (last += 1), tool, arguments: passed, resolve, reject };
      signal?.addEventListener("abort", () => drop(call) && reject(signal.reason));
      calls.push(call);
    });
  };

  for (const [name, tool] of [["create", "create_passkey"], ["get", "use_passkey"]]) {
    const value = operation(tool, navigator.credentials[name]);
    Object.defineProperty(navigator.credentials, name, { value, configurable: true });
  }
  if (window.PublicKeyCredential) {
    PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable = async () => true;
  }

  window.towline = {
    asked: () => calls.map(({ resolve, reject, ...told }) => told),
    answer(json, id) {
      const modal = calls.filter((it) => it.arguments.mediation !== "conditional");
      const call = id === undefined ? (modal.at(-1) ?? calls.at(-1))
        : calls.find((it) => it.id === id);
      if (!call) throw new Error("the page waits for no such call; towline.asked() lists them");
      if (json.error) {
        drop(call);
        const { error, message = "an answer by hand" } = json;
        call.reject(error === "TypeError" ? new TypeError(message)
          : new DOMException(message, error));
      } else {
        const credential = credentialOf(json.response?.response ? json.response : json);
        drop(call);
        call.resolve(credential);
      }
      return `answered call ${call.id}`;
    },
  };
  return "passkeys are carried by hand here";
}
