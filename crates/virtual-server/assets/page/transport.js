// The way to the service: one JSON text to it, one back. `config.endpoint` is asked over a
// WebSocket, which takes a browser a tenth of the time of a request, or by requests where a page
// may open none; or `config.binding` names a function of the window that was bound by whoever
// drives the browser, for pages whose content security policy forbids connections.

/** What waits for an answer: how to call it off, by the id of its message. */
const underWay = new Map();

const unreachable = (why) => failure("UnknownError",
  `towline's virtual authenticator did not answer: ${why}`);

/** What waits for an answer over the WebSocket, by the id of its message. */
const listeners = new Map();

/** A promise of the WebSocket, or of `undefined` where there can be none. */
let connection;

function connect() {
  connection ??= new Promise((resolve) => {
    const socket = new WebSocket(`${config.endpoint.replace(/^http/, "ws")}/socket`);
    let opened = false;
    addEventListener.call(socket, "open", () => {
      opened = true;
      resolve(socket);
    });
    addEventListener.call(socket, "message", ({ data }) => {
      const { id, answer } = parseJson(data);
      listeners.get(id)?.resolve(answer);
      listeners.delete(id);
    });
    // A page whose policy forbids it hears of an error alone, and does not try again.
    addEventListener.call(socket, "error", () => {
      if (!opened) resolve(undefined);
    });
    addEventListener.call(socket, "close", () => {
      if (!opened) return resolve(undefined);
      connection = undefined;
      for (const it of listeners.values()) it.reject(unreachable("the connection has ended"));
      listeners.clear();
    });
  }).catch(() => undefined);
  return connection;
}

async function byEndpoint(id, text, signal) {
  const socket = await connect();
  if (Reflect.apply(isAborted, signal, [])) throw unreachable("it was called off before");
  if (!socket) return readAnswer(byFetch(text, signal));
  return new Promise((resolve, reject) => {
    listeners.set(id, { resolve, reject });
    socket.send(text);
  });
}

/** The service drops what it was doing. */
async function cancelAtEndpoint(id, controller) {
  controller.abort();
  if (listeners.delete(id)) (await connection)?.send(writeJson({ ask: "cancel", id }));
}

async function byFetch(text, signal) {
  let response;
  try {
    // A text without headers of its own needs no preflight.
    response = await fetch(config.endpoint, {
      method: "POST", body: text, signal, mode: "cors", credentials: "omit", cache: "no-store",
      referrerPolicy: "no-referrer",
    });
  } catch (error) {
    throw unreachable(`${config.endpoint} can't be reached. Is it running, and does the page's ` +
      `content security policy allow to connect to it? (${error})`);
  }
  return response.text();
}

async function byBinding(text) {
  const bound = window[config.binding];
  if (typeof bound !== "function") {
    throw unreachable(`the function ${config.binding} is not bound in this frame`);
  }
  return bound(text);
}

async function readAnswer(asked) {
  const answered = await asked;
  try {
    return parseJson(answered);
  } catch {
    throw unreachable(`"${String(answered).slice(0, 200)}" is not its JSON`);
  }
}

/**
 * Sends a message, and gives what is answered. Whoever calls `cancel` gets no answer, and the
 * service drops what it was doing.
 */
function ask(message) {
  const id = newId();
  const controller = new AbortController();
  const text = writeJson({ ...message, id });
  const sent = config.binding ? readAnswer(byBinding(text))
    : byEndpoint(id, text, controller.signal);
  const answer = sent.then((read) => {
    if (read?.error) throw failure(read.error.name, read.error.message);
    return read?.response;
  }).finally(() => underWay.delete(id));
  const cancel = () => {
    if (!underWay.delete(id)) return;
    if (config.binding) byBinding(writeJson({ ask: "cancel", id })).catch(() => {});
    else cancelAtEndpoint(id, controller).catch(() => {});
  };
  underWay.set(id, cancel);
  return { answer, cancel };
}

// A page that is left has nobody who waits. Connections end by themselves, bound functions don't;
// and a page with one can't be gone back to.
addEventListener.call(window, "pagehide", () => {
  for (const cancel of [...underWay.values()]) cancel();
  connection?.then((socket) => socket?.close());
});
