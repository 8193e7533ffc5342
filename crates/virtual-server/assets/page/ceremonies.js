// navigator.credentials: create, get, store, preventSilentAccess (Credential Management §2.3,
// WebAuthn L3 §5.1.3, §5.1.4). Whatever is a matter of origins, RP IDs, options and
// authenticators is decided in the service.

/** The longest that a page can wish for, in milliseconds: WebAuthn L3 §15.1. */
const LONGEST = 600_000;

/** Signals reach authenticators before whatever a page does next. */
let signalled = Promise.resolve();

/** Asks the service, until it answers, the site aborts, or time is up. */
function underWatch(message, { signal, timeout }) {
  return new Promise((resolve, reject) => {
    const { answer, cancel } = ask(message);
    let timer;
    const over = (settle) => (value) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", aborted);
      settle(value);
    };
    const aborted = () => {
      over(reject)(Reflect.apply(abortReason, signal, []));
      cancel();
    };
    signal?.addEventListener("abort", aborted);
    if (timeout !== undefined) {
      timer = setTimeout(() => {
        over(reject)(failure("NotAllowedError", `nothing was done within ${timeout} ms`));
        cancel();
      }, Math.min(timeout, LONGEST));
    }
    answer.then(over(resolve), over(reject));
  });
}

const checkSignal = (signal) => {
  if (signal && Reflect.apply(isAborted, signal, [])) {
    throw Reflect.apply(abortReason, signal, []);
  }
};

/** What has to be so before anything else, for both ceremonies. */
function begin(given, { mediation, publicKey, signal }) {
  if (otherKinds.some((kind) => given[kind] !== undefined && given[kind] !== false)) {
    throw failure("NotSupportedError", "only credentials of one kind can be asked for at once");
  }
  if (mediation === "silent") {
    throw failure("NotSupportedError", "public-key credentials are never silent");
  }
  if (!document.defaultView) {
    throw failure("InvalidStateError", "the page is not active");
  }
  checkSignal(signal);
  // No site here may pay, or speak for a remote desktop (of old, and as of WebAuthn L4 §10.1.6).
  for (const name of ["payment", "remoteDesktopClientOverride", "remoteClientDataJSON"]) {
    if (publicKey.extensions?.[name] !== undefined) {
      throw failure("NotAllowedError", `this page may not use the extension ${name}`);
    }
  }
}

/** Without `timeout` where nobody is asked anything that could be late. */
async function carryOut(ask, feature, request, more) {
  const { mediation, publicKey, signal } = request;
  const frame = await throughFrames(feature);
  await signalled;
  checkSignal(signal);
  const beside = ask === "get" && mediation === "conditional";
  const timeout = beside ? undefined : publicKey.timeout;
  const message = { ask, options: publicKey, mediation, ...more, ...frame };
  return credentialOf(await underWatch(message, { signal, timeout }));
}

async function create(given) {
  const request = creationRequest(given);
  begin(given, request);
  const active = navigator.userActivation?.isActive ?? true;
  if (!active && !ancestors().every(sameOrigin)) {
    throw failure("NotAllowedError",
      "in a frame of another site, a passkey is made after a click or a key only");
  }
  return carryOut("create", "publickey-credentials-create", request);
}

async function get(given) {
  const request = getRequest(given);
  begin(given, request);
  if (request.publicKey.extensions?.credProps) {
    throw failure("NotSupportedError", "credProps is told of new passkeys only");
  }
  if (request.uiMode !== "immediate") return carryOut("get", "publickey-credentials-get", request);
  if (request.mediation === "conditional") {
    throw failure("NotSupportedError", "a request is immediate, or conditional");
  }
  if (request.publicKey.allowCredentials.length > 0) {
    throw failure("NotAllowedError", "immediate requests have no allowCredentials");
  }
  if (navigator.userActivation?.isActive === false) {
    throw failure("NotAllowedError", "immediate requests follow a click or a key");
  }
  return carryOut("get", "publickey-credentials-get", request, { mediation: "immediate" });
}

/** Puts an operation in place, which the browser's own does for all other kinds of credentials. */
function containerOperation(owner, name, length, run) {
  const native = owner.prototype[name];
  const others = (self, given) => {
    if (native) return Reflect.apply(native, self, given);
    throw failure("NotSupportedError", "this browser has no credentials of this kind");
  };
  place(owner.prototype, name, operationFunction(name, length, (self, given) => promised(() => {
    if (self !== navigator.credentials) throw new TypeError("Illegal invocation");
    if (given.length < length) throw new TypeError(`${name} needs ${length} argument`);
    return run(given[0], () => others(self, given));
  })));
}

const withPublicKey = (run) => (given, others) => {
  if (given !== undefined && given !== null && !isObject(given)) {
    throw new TypeError("the options are not an object");
  }
  return given?.publicKey === undefined ? others() : run(given);
};

function store(credential, others) {
  if (!ours(credential, "PublicKeyCredential")) return others();
  throw failure("NotSupportedError", "public-key credentials are not stored by pages");
}
