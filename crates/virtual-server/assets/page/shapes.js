// Interfaces as Web IDL shapes them: attributes are getters of prototypes, operations have the
// right length, and `instanceof` holds. Where the browser has an interface it is kept, and only
// taught to know our objects too; where it has none, as WebKitGTK, it is made.

/** What is behind an object of ours: the interfaces that it implements, and their attributes. */
const behind = new WeakMap();

/** What is behind `object`, if it is one of ours that implements the interface. */
const ours = (object, name) => {
  const it = isObject(object) ? behind.get(object) : undefined;
  return it?.interfaces.includes(name) ? it : undefined;
};

function interfaceObject(name, parent) {
  if (typeof window[name] === "function") return window[name];
  const made = { [name]: class {
    constructor() {
      throw new TypeError("Illegal constructor");
    }
  } }[name];
  if (parent) {
    Object.setPrototypeOf(made, parent);
    Object.setPrototypeOf(made.prototype, parent.prototype);
  }
  Object.defineProperty(made.prototype, Symbol.toStringTag, { value: name, configurable: true });
  Object.defineProperty(window, name, { value: made, writable: true, configurable: true });
  return made;
}

/** An attribute that cannot be set. `read` gets what is behind one of our objects. */
function attribute(owner, name, read) {
  const native = getterOf(owner.prototype, name);
  const described = Object.getOwnPropertyDescriptor({
    get [name]() {
      const it = ours(this, owner.name);
      if (it) return read(it);
      if (native) return Reflect.apply(native, this, []);
      throw new TypeError("Illegal invocation");
    },
  }, name);
  Object.defineProperty(owner.prototype, name, { ...described, enumerable: true });
}

/** A function as operations have them: no constructor, of this name and length. */
function operationFunction(name, length, run) {
  const made = { [name](...given) {
    return run(this, given);
  } }[name];
  return Object.defineProperty(made, "length", { value: length, configurable: true });
}

const place = (target, name, value) => Object.defineProperty(target, name,
  { value, writable: true, enumerable: true, configurable: true });

/** An operation on our objects, and the browser's own on its. */
function operation(owner, name, run) {
  const native = owner.prototype[name];
  place(owner.prototype, name, operationFunction(name, 0, (self, given) => {
    const it = ours(self, owner.name);
    if (it) return run(it);
    if (native) return Reflect.apply(native, self, given);
    throw new TypeError("Illegal invocation");
  }));
}

/** A static operation; one that gives a promise gives a rejected one for what is thrown. */
function staticOperation(owner, name, length, run, { promises = true } = {}) {
  place(owner, name, operationFunction(name, length, (_, given) => {
    const checked = () => {
      if (given.length >= length) return run(...given);
      throw new TypeError(`${name} needs ${length} argument, and got ${given.length}`);
    };
    return promises ? promised(checked) : checked();
  }));
}

/** An object of this interface. */
function objectOf(owner, interfaces, members) {
  const made = Object.create(owner.prototype);
  behind.set(made, { interfaces, ...members });
  return made;
}
