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

function show(list, way, possible, words, reason) {
  const line = list.querySelector(`[data-way="${way}"] [data-possible]`);
  if (!line) return;
  line.dataset.possible = possible;
  line.textContent = `${words[possible]}. ${reason}`;
  // It can be tried all the same: browsers may know less than the person.
  line.parentElement.querySelector("button")?.classList.toggle("second", possible === "no");
}

export async function showWays(list, texts) {
  const words = { yes: texts.way_yes, no: texts.way_no, maybe: texts.way_maybe };
  if (!window.isSecureContext || !window.PublicKeyCredential) {
    const reason = window.isSecureContext
      ? texts.unsupported
      : texts.insecure.replace("{origin}", document.body.dataset.origin);
    for (const way of ["device", "phone", "security-key"]) show(list, way, "no", words, reason);
    return;
  }
  const can = await capabilities();
  const lock = can.userVerifyingPlatformAuthenticator ?? (await hasScreenLock());
  if (lock === undefined) show(list, "device", "maybe", words, texts.device_yes);
  else if (lock) show(list, "device", "yes", words, texts.device_yes);
  else show(list, "device", "no", words, texts.device_no);

  const hybrid = can.hybridTransport;
  if (hybrid === undefined) show(list, "phone", "maybe", words, texts.phone_maybe);
  else if (hybrid) show(list, "phone", "yes", words, texts.phone_yes);
  else show(list, "phone", "no", words, texts.phone_no);

  show(list, "security-key", "yes", words, texts.usb_yes);
}
