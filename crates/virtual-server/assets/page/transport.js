// The way to the service: one JSON text to it, one back. `config.endpoint` is asked by HTTP; or
// `config.binding` names a function of the window that was bound by whoever drives the browser,
// for pages whose content security policy forbids connections.

/** What waits for an answer: how to call it off, by the id of its message. */
const underWay = new Map();

const unreachable = (why) => failure("UnknownError",
  `towline's virtual authenticator did not answer: ${why}`);

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

/**
 * Sends a message, and gives what is answered. Whoever calls `cancel` gets no answer, and the
 * service drops what it was doing.
 */
function ask(message) {
  const id = newId();
  const controller = new AbortController();
  const text = writeJson({ ...message, id });
  const sent = config.binding ? byBinding(text) : byFetch(text, controller.signal);
  const answer = sent.then((answered) => {
    let read;
    try {
      read = parseJson(answered);
    } catch {
      throw unreachable(`"${String(answered).slice(0, 200)}" is not its JSON`);
    }
    if (read?.error) throw failure(read.error.name, read.error.message);
    return read?.response;
  }).finally(() => underWay.delete(id));
  const cancel = () => {
    if (!underWay.delete(id)) return;
    if (config.binding) byBinding(writeJson({ ask: "cancel", id })).catch(() => {});
    else controller.abort();
  };
  underWay.set(id, cancel);
  return { answer, cancel };
}

// A page that is left has nobody who waits. Connections end by themselves, bound functions don't.
addEventListener.call(window, "pagehide", () => {
  for (const cancel of [...underWay.values()]) cancel();
});
