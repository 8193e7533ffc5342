// Web IDL's conversions (Web IDL §3.2): what a page hands over becomes values of the types that
// the standard names, or a TypeError.

const domString = (value) => `${value}`;
const boolean = (value) => !!value;
const long = (value) => +value | 0;
const unsignedLong = (value) => +value >>> 0;

/** A type of which only some texts are values. */
const enumeration = (name, values) => (value) => {
  const text = `${value}`;
  if (values.includes(text)) return text;
  throw new TypeError(`'${text}' is not a value of the enumeration ${name}`);
};

const sequence = (convert) => (value) => {
  const iterate = isObject(value) ? value[Symbol.iterator] : undefined;
  if (typeof iterate !== "function") throw new TypeError("a value is not iterable");
  const converted = [];
  for (const entry of { [Symbol.iterator]: () => Reflect.apply(iterate, value, []) }) {
    converted.push(convert(entry));
  }
  return converted;
};

const record = (convert) => (value) => {
  if (!isObject(value)) throw new TypeError("a value is not an object");
  const converted = {};
  for (const key of Reflect.ownKeys(value)) {
    if (!Object.getOwnPropertyDescriptor(value, key)?.enumerable) continue;
    set(converted, domString(key), convert(value[key]));
  }
  return converted;
};

const isObject = (value) =>
  (typeof value === "object" && value !== null) || typeof value === "function";

/** Sets a property of its own, whatever its name. */
const set = (object, name, value) => Object.defineProperty(object, name,
  { value, writable: true, enumerable: true, configurable: true });

const required = (convert) => ({ convert, required: true });
const or = (convert, initial) => ({ convert, initial });

/**
 * A dictionary. Members are looked at in the order of their names; each is a conversion,
 * `required(conversion)`, or `or(conversion, what it is where it is absent)`.
 */
const dictionary = (name, members) => {
  const sorted = Object.entries(members).sort(([a], [b]) => (a < b ? -1 : 1));
  return (value) => {
    if (value !== undefined && value !== null && !isObject(value)) {
      throw new TypeError(`${name} is not an object`);
    }
    const converted = {};
    for (const [member, rule] of sorted) {
      const given = value?.[member];
      if (given !== undefined) {
        const convert = typeof rule === "function" ? rule : rule.convert;
        set(converted, member, convert(given));
      } else if (rule.required) {
        throw new TypeError(`${name} has no member ${member}, which is required`);
      } else if (rule.initial) {
        set(converted, member, rule.initial());
      }
    }
    return converted;
  };
};

/** `BufferSource`: a copy of its bytes. Memory that is shared, or of changing size, is refused. */
function bytesOf(value) {
  const view = ArrayBuffer.isView(value);
  const buffer = view ? value.buffer : value;
  let length;
  try {
    length = Reflect.apply(bufferLength, buffer, []);
  } catch {
    throw new TypeError("a value is neither an ArrayBuffer nor a view of one");
  }
  if (buffer.resizable) throw new TypeError("a buffer is resizable");
  // Of one that was transferred nothing is left.
  if (length === 0) return new Uint8Array(0);
  return view ? new Uint8Array(buffer, value.byteOffset, value.byteLength).slice()
    : new Uint8Array(buffer).slice();
}

function toBase64url(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

/** The bytes of a base64url text without padding, or `undefined`. */
function fromBase64url(text) {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return undefined;
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  const bytes = new Uint8Array(plain.length);
  for (let at = 0; at < plain.length; at += 1) bytes[at] = plain.charCodeAt(at);
  return bytes;
}

/** `AbortSignal`, of whatever window. */
function abortSignal(value) {
  try {
    Reflect.apply(isAborted, value, []);
  } catch {
    throw new TypeError("signal is not an AbortSignal");
  }
  return value;
}
