// Before the test devices answer in the browser's place: what it can do by itself.
globalThis.ownBrowser = globalThis.PublicKeyCredential?.getClientCapabilities?.();
