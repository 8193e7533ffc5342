// What a page in a frame may do (WebAuthn L3 §5.9), and who is above it. Chromium says both. In
// other browsers a page of another site can't see what is above, so that it asks the script there.

/** How long a page above has to answer, in milliseconds. */
const PATIENCE = 2000;

const sameOrigin = (other) => {
  try {
    return other.origin === window.origin;
  } catch {
    return false;
  }
};

/** The windows above this one, from its parent to the top. */
function ancestors() {
  const above = [];
  for (let it = window; it.parent !== it; it = it.parent) above.push(it.parent);
  return above;
}

/** Whether `allow` of a frame lets a page of `origin` in it do this (Permissions Policy §9.7). */
function allowedByFrame(frame, feature, origin) {
  const directives = (frame.getAttribute("allow") ?? "").split(";");
  const named = directives.map((it) => it.trim().split(/\s+/)).find(([name]) => name === feature);
  // By default: pages of the same origin.
  if (!named) return origin === window.origin;
  const source = () => {
    try {
      if (frame.hasAttribute("srcdoc")) return window.origin;
      return new URL(frame.src, document.baseURI).origin;
    } catch {
      return null;
    }
  };
  const list = named.slice(1);
  return (list.length ? list : ["'src'"]).some((item) => {
    if (item === "*") return true;
    if (item === "'self'") return origin === window.origin;
    if (item === "'src'") return origin === source();
    return item === origin;
  });
}

/** `frame` of this page, or one in an open shadow tree, that shows this window. */
function frameOf(shown, root = document) {
  for (const element of root.querySelectorAll("*")) {
    if (element.contentWindow === shown) return element;
    const inside = element.shadowRoot && frameOf(shown, element.shadowRoot);
    if (inside) return inside;
  }
  return undefined;
}

/** What this page may do, and whose page is at the top: `{ allowed, top }`. */
async function standing(feature) {
  const above = ancestors();
  if (above.length === 0) return { allowed: true, top: window.origin };
  const policy = document.permissionsPolicy ?? document.featurePolicy;
  const listed = window.location.ancestorOrigins;
  if (policy?.features?.().includes(feature) && listed?.length) {
    return { allowed: policy.allowsFeature(feature), top: listed[listed.length - 1] };
  }
  if (above.every(sameOrigin)) {
    const chain = [window, ...above.slice(0, -1)];
    const allowed = chain.every((it) => allowedByFrame(it.frameElement, feature, window.origin));
    return { allowed, top: window.origin };
  }
  return new Promise((resolve, reject) => {
    const id = newId();
    const timer = setTimeout(() => {
      questions.delete(id);
      reject(failure("NotAllowedError", "the page around this frame did not tell towline's " +
        `script whether the frame may use ${feature}: is the script in that page, too?`));
    }, PATIENCE);
    questions.set(id, (answer) => {
      clearTimeout(timer);
      resolve(answer);
    });
    postMessage(window.parent, { [MARK]: "question", id, feature }, "*");
  });
}

const MARK = "towline virtual authenticator";
const questions = new Map();

async function answerFrame({ source, origin, data: { id, feature } }) {
  const frame = frameOf(source);
  const here = await standing(feature);
  const allowed = here.allowed && !!frame && allowedByFrame(frame, feature, origin);
  postMessage(source, { [MARK]: "answer", id, allowed, top: here.top },
    origin === "null" ? "*" : origin);
}

// Before listeners of the page, which know nothing of these.
addEventListener.call(window, "message", (event) => {
  const kind = isObject(event.data) ? event.data[MARK] : undefined;
  if (kind === undefined) return;
  event.stopImmediatePropagation();
  if (kind === "question" && event.source) answerFrame(event).catch(() => {});
  if (kind === "answer" && event.source === window.parent) {
    const answered = questions.get(event.data.id);
    questions.delete(event.data.id);
    answered?.({ allowed: event.data.allowed === true, top: String(event.data.top) });
  }
}, true);

/**
 * Lets pages through that may do this.
 * @returns the members of a message that say whose frame it is, none in a page on its own.
 */
async function throughFrames(feature) {
  const { allowed, top } = await standing(feature);
  if (!allowed) {
    throw failure("NotAllowedError",
      `the permissions policy of this frame does not include '${feature}'`);
  }
  return ancestors().every(sameOrigin) ? {} : { topOrigin: top };
}
