
// On pages in the frame: says where they are, and marks what the page around them means.
if (parent !== window) {
  const around = new URL(document.currentScript.src).origin;
  const style = new CSSStyleSheet();
  style.replaceSync(
    "[data-called] { outline: 4px solid var(--accent); outline-offset: 4px; }" +
      "input[data-called] { outline-offset: 1px; }",
  );
  document.adoptedStyleSheets = [style];
  const GAP = 16;
  let wanted;

  const find = () => {
    const parts = wanted ? [...document.querySelectorAll(wanted)] : [];
    return parts.find((part) => part.checkVisibility());
  };
  // Here alone: `scrollIntoView()` would move the page around it as well.
  const bring = (part) => {
    const { top, bottom } = part.getBoundingClientRect();
    const by = Math.min(top - GAP, Math.max(0, bottom + GAP - innerHeight));
    scrollBy({ top: by, behavior: "instant" });
  };
  const look = (event) => {
    const called = find();
    for (const old of document.querySelectorAll("[data-called]")) {
      if (old !== called) old.removeAttribute("data-called");
    }
    called?.setAttribute("data-called", "");
    if (called) bring(called);
    const field = called?.matches("input") ? called.labels[0].textContent : undefined;
    const loaded = event.type === "DOMContentLoaded";
    const [path, button] = [location.pathname, called?.textContent.trim()];
    const { top, bottom } = called?.getBoundingClientRect() ?? {};
    parent.postMessage({ path, wanted, field, button, top, bottom, loaded }, around);
  };

  addEventListener("message", (event) => {
    if (event.origin !== around) return;
    wanted = event.data.wanted;
    look(event);
  });
  // What is typed may be enough now; what is loaded later may push it out of view.
  addEventListener("input", look);
  addEventListener("DOMContentLoaded", look);
  new ResizeObserver(look).observe(document.documentElement);
}
