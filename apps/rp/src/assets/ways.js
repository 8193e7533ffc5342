// Which ways to hold a key are possible in this browser, said before one is tried.

async function capabilities() {
  try {
    return (await window.PublicKeyCredential?.getClientCapabilities?.()) ?? {};
  } catch {
    return {};
  }
}

async function hasScreenLock() {
  try {
    return await PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable();
  } catch {
    return undefined;
  }
}

/** Whether there is an adapter that is on; few browsers say. */
async function hasBluetooth() {
  try {
    return await navigator.bluetooth?.getAvailability();
  } catch {
    return undefined;
  }
}

function show(list, texts, way, possible, reason) {
  const line = list.querySelector(`[data-way="${way}"] [data-possible]`);
  if (!line) return;
  const words = { yes: texts.way_yes, no: texts.way_no, maybe: texts.way_maybe };
  line.dataset.possible = possible;
  line.textContent = `${words[possible]}. ${reason}`;
  // It can be tried all the same: browsers may know less than the person.
  const button = list.closest(".places") ? null : line.parentElement.querySelector("button");
  button?.classList.toggle("second", possible === "no");
}

function showPhones(list, texts, hybrid, bluetooth) {
  const no = (reason) => {
    show(list, texts, "phone", "no", reason);
    show(list, texts, "linked", "no", reason);
  };
  if (navigator.onLine === false) no(texts.phone_offline);
  else if (bluetooth === false) no(texts.phone_no_adapter);
  else if (hybrid === false) no(texts.phone_no);
  else {
    if (hybrid) show(list, texts, "phone", "yes", texts.phone_yes);
    else show(list, texts, "phone", "maybe", texts.phone_maybe);
    // Which phones a browser remembers it tells nobody.
    show(list, texts, "linked", "maybe", texts.linked_maybe);
  }
}

export async function showWays(list, texts) {
  if (!window.isSecureContext || !window.PublicKeyCredential) {
    const reason = window.isSecureContext
      ? texts.unsupported
      : texts.insecure.replace("{origin}", document.body.dataset.origin);
    for (const item of list.querySelectorAll("[data-way]")) {
      show(list, texts, item.dataset.way, "no", reason);
    }
    return;
  }
  const can = await capabilities();
  const lock = can.userVerifyingPlatformAuthenticator ?? (await hasScreenLock());
  const here = lock === undefined ? "maybe" : lock ? "yes" : "no";
  show(list, texts, "device", here, here === "no" ? texts.device_no : texts.device_yes);
  show(list, texts, "platform", here, here === "no" ? texts.platform_no : texts.platform_yes);
  showPhones(list, texts, can.hybridTransport, await hasBluetooth());
  show(list, texts, "usb", "yes", texts.usb_yes);
}

/** Says so where a virtual authenticator's script answers in the browser's place. */
export function showTestDevice(texts) {
  if (!window[Symbol.for("towline virtual authenticator")]) return;
  for (const notice of document.querySelectorAll("[data-test-device]")) {
    notice.hidden = false;
    const demo = notice.dataset.testDevice === "demo";
    notice.textContent = demo ? texts.demo_device : texts.test_device;
  }
}
