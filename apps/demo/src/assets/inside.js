
// On pages in the frame: says where they are, and marks what the page around them means.
if (parent !== window) {
  const around = new URL(document.currentScript.src).origin;
  const style = new CSSStyleSheet();
  style.replaceSync(
    "[data-called] { outline: 4px solid var(--accent); outline-offset: 4px; }" +
      "[data-called] { scroll-margin: 1rem; }" +
      "input[data-called] { outline-offset: 1px; }",
  );
  document.adoptedStyleSheets = [style];
  let wanted;

  const find = () => {
    const parts = wanted ? [...document.querySelectorAll(wanted)] : [];
    return parts.find((part) => part.checkVisibility());
  };
  const look = (event) => {
    const called = find();
    for (const old of document.querySelectorAll("[data-called]")) {
      if (old !== called) old.removeAttribute("data-called");
    }
    called?.setAttribute("data-called", "");
    called?.scrollIntoView({ block: "nearest" });
    const field = called?.matches("input") ? called.labels[0].textContent : undefined;
    const loaded = event.type === "DOMContentLoaded";
    const [path, button] = [location.pathname, called?.textContent.trim()];
    parent.postMessage({ path, wanted, field, button, loaded }, around);
  };

  addEventListener("message", (event) => {
    if (event.origin !== around) return;
    wanted = event.data.wanted;
    look(event);
  });
  // What is typed may be enough now; what is loaded later may push it out of view.
  addEventListener("input", look);
  addEventListener("DOMContentLoaded", look);
  new ResizeObserver(() => find()?.scrollIntoView({ block: "nearest" })).observe(
    document.documentElement,
  );
}
