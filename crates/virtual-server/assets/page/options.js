// The dictionaries of WebAuthn L3 §5.4 to §5.8 and §10. Where they hold bytes they take a
// conversion, since the same dictionaries come with buffers and as JSON.

const list = () => [];

const descriptor = (bytes) => dictionary("PublicKeyCredentialDescriptor", {
  type: required(domString),
  id: required(bytes),
  transports: sequence(domString),
});

const extensionInputs = (bytes) => {
  const values = dictionary("AuthenticationExtensionsPRFValues", {
    first: required(bytes),
    second: bytes,
  });
  return dictionary("AuthenticationExtensionsClientInputs", {
    appid: domString,
    appidExclude: domString,
    credBlob: bytes,
    credProps: boolean,
    credentialProtectionPolicy: domString,
    enforceCredentialProtectionPolicy: boolean,
    getCredBlob: boolean,
    hmacCreateSecret: boolean,
    hmacGetSecret: dictionary("HMACGetSecretInput", { salt1: required(bytes), salt2: bytes }),
    largeBlob: dictionary("AuthenticationExtensionsLargeBlobInputs", {
      support: domString,
      read: boolean,
      write: bytes,
    }),
    minPinLength: boolean,
    payment: dictionary("AuthenticationExtensionsPaymentInputs", { isPayment: boolean }),
    prf: dictionary("AuthenticationExtensionsPRFInputs", {
      eval: values,
      evalByCredential: record(values),
    }),
    remoteClientDataJSON: domString,
    remoteDesktopClientOverride: dictionary("RemoteDesktopClientOverride", {
      origin: required(domString),
      sameOriginWithAncestors: required(boolean),
    }),
    uvm: boolean,
  });
};

const creationOptions = (bytes) => dictionary("PublicKeyCredentialCreationOptions", {
  rp: required(dictionary("PublicKeyCredentialRpEntity", {
    name: required(domString),
    id: domString,
  })),
  user: required(dictionary("PublicKeyCredentialUserEntity", {
    name: required(domString),
    id: required(bytes),
    displayName: required(domString),
  })),
  challenge: required(bytes),
  pubKeyCredParams: required(sequence(dictionary("PublicKeyCredentialParameters", {
    type: required(domString),
    alg: required(long),
  }))),
  timeout: unsignedLong,
  excludeCredentials: or(sequence(descriptor(bytes)), list),
  authenticatorSelection: dictionary("AuthenticatorSelectionCriteria", {
    authenticatorAttachment: domString,
    residentKey: domString,
    requireResidentKey: or(boolean, () => false),
    userVerification: or(domString, () => "preferred"),
  }),
  hints: or(sequence(domString), list),
  attestation: or(domString, () => "none"),
  attestationFormats: or(sequence(domString), list),
  extensions: extensionInputs(bytes),
});

const requestOptions = (bytes) => dictionary("PublicKeyCredentialRequestOptions", {
  challenge: required(bytes),
  timeout: unsignedLong,
  rpId: domString,
  allowCredentials: or(sequence(descriptor(bytes)), list),
  userVerification: or(domString, () => "preferred"),
  hints: or(sequence(domString), list),
  extensions: extensionInputs(bytes),
});

const bytesAsText = (value) => toBase64url(bytesOf(value));

/** What `create` and `get` take, as the JSON that the service reads. */
const creationOptionsToJson = creationOptions(bytesAsText);
const requestOptionsToJson = requestOptions(bytesAsText);

/** What the two parsers of JSON give: all of it is converted before any text is decoded. */
const fromJson = (options) => {
  const [read, decode] = [options(domString), options((text) => {
    const bytes = fromBase64url(text);
    if (bytes) return bytes.buffer;
    throw new DOMException(`"${text}" is not base64url`, "EncodingError");
  })];
  return (value) => {
    if (!isObject(value)) throw new TypeError("the options are not an object");
    return decode(read(value));
  };
};
const creationOptionsFromJson = fromJson(creationOptions);
const requestOptionsFromJson = fromJson(requestOptions);

const mediationRequirement = enumeration("CredentialMediationRequirement",
  ["silent", "optional", "conditional", "required"]);

/** Around the options of WebAuthn (Credential Management §2.3.2, §2.4). */
const creationRequest = dictionary("CredentialCreationOptions", {
  mediation: or(mediationRequirement, () => "optional"),
  publicKey: creationOptionsToJson,
  signal: abortSignal,
});
const getRequest = dictionary("CredentialRequestOptions", {
  mediation: or(mediationRequirement, () => "optional"),
  publicKey: requestOptionsToJson,
  signal: abortSignal,
  uiMode: domString,
});

/** The members that ask for credentials of other kinds. */
const otherKinds = ["digital", "federated", "identity", "otp", "password", "payment"];
