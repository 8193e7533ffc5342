// What all parts of the page use: texts, elements, requests, and a voice.

/** How much is left free around what is brought into view, in pixels. */
const GAP = 8;

const texts = JSON.parse(document.getElementById("texts").textContent);

/** What is said by this name, with values in its places. */
export function say(name, values = {}) {
  return (texts[name] ?? name).replace(/\{(\w+)\}/g, (_, place) => values[place] ?? "");
}

/** Whether there are words for it. */
export const knows = (name) => name in texts;

/** An element: properties of its own, `on` for clicks, attributes for all else. */
export function make(tag, given = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (name === "on") element.addEventListener("click", value);
    else if (name === "class") element.className = value;
    else if (value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.filter((child) => child !== undefined && child !== null));
  return element;
}

/** Asks the demonstration to do something. Whether it did. */
export async function post(path, body = {}) {
  try {
    const response = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    return response.ok;
  } catch {
    return false;
  }
}

const aloudPart = document.getElementById("aloud");

/** Says something to whoever listens instead of looking. */
export function aloud(text) {
  aloudPart.textContent = text;
}

/** What a device is called here. Phones tell computers a name in words of their own. */
export function called(id) {
  const own = { "Phone A": "phone-a", "Phone B": "phone-b", "Tablet B": "tablet" }[id] ?? id;
  return knows(`device_${own}`) ? say(`device_${own}`) : id;
}

/** Moves the eye and the keys of whoever uses the page to where something happens. */
export function lookAt(element, whole = element) {
  element.focus({ preventScroll: true });
  bring(whole.getBoundingClientRect());
}

const bar = document.querySelector(".walk");

/**
 * Scrolls until a place on the screen is in view below the bar, no further than it takes, and cuts
 * no heading. Before anybody has pressed anything the page stays where it is.
 */
export function bring({ top, bottom }) {
  if (navigator.userActivation?.hasBeenActive === false) return;
  const { height, bottom: edge } = bar.getBoundingClientRect();
  // It goes with the page until it is at the top.
  const under = () => Math.max(height + by, edge);
  const most = top - height - GAP;
  let by = Math.min(most, Math.max(0, bottom - innerHeight + GAP));
  for (const heading of by > 0 ? document.querySelectorAll("main :is(h2, h3)") : []) {
    const cut = heading.getBoundingClientRect();
    if (cut.top < under() && under() < cut.bottom) by = Math.min(most, cut.bottom - height);
  }
  if (by !== 0) scrollBy({ top: by, behavior: calm() ? "auto" : "smooth" });
}

/** Whether things should not move. */
export function calm() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches || speed() === 0;
}

export const speed = () => Number(document.body.dataset.speed);

/** Calls `show` only if what it would show is another than before. */
export function whenOther(show) {
  let last;
  return (...given) => {
    const now = JSON.stringify(given);
    if (now === last) return;
    show(...given);
    last = now;
  };
}
