// WebdriverIO: passkeys for every page of a browser, by WebDriver BiDi's preload.

/** Gives all pages the passkeys of a session. `service` is the one that the session belongs to. */
export async function install(browser, service, session = service.defaultSession) {
  if (!browser.isBidi) {
    throw new Error('the browser speaks no WebDriver BiDi: set the capability `webSocketUrl: true`')
  }
  const { origin } = new URL(service.address)
  const script = await fetch(`${origin}/${await session.pageKey()}/page/script.js`)
  await browser.scriptAddPreloadScript({ functionDeclaration: `() => { ${await script.text()} }` })
}
