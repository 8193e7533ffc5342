// What pages replace, fake clocks and mocked networks among it, is taken before they can.
const { AbortController, ArrayBuffer, DOMException, Map, Promise, Reflect, Set } = window;
const { TypeError, Uint8Array, WeakMap, WebSocket } = window;
const fetch = window.fetch.bind(window);
const setTimeout = window.setTimeout.bind(window);
const clearTimeout = window.clearTimeout.bind(window);
const [atob, btoa] = [window.atob.bind(window), window.btoa.bind(window)];
const parseJson = JSON.parse;
const writeJson = JSON.stringify;
const postMessage = (to, message, origin) => to.postMessage(message, origin);
const { addEventListener } = window;

/** The function behind a getter of an interface, or `undefined`. */
const getterOf = (prototype, name) => Object.getOwnPropertyDescriptor(prototype, name)?.get;

const isAborted = getterOf(AbortSignal.prototype, "aborted");
const abortReason = getterOf(AbortSignal.prototype, "reason");
const bufferLength = getterOf(ArrayBuffer.prototype, "byteLength");

const failure = (name, message) =>
  name === "TypeError" ? new TypeError(message) : new DOMException(message, name);

/** Does it in a promise, so that what it throws is a rejection, as of operations in Web IDL. */
const promised = (run) => new Promise((resolve) => resolve(run()));

// Of the whole of a random number, so that two pages of one service never share an id.
let calls = 0;
const page = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
  byte.toString(16).padStart(2, "0")).join("");
const newId = () => `${page}-${(calls += 1)}`;
