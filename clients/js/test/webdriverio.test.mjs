// WebdriverIO, in a browser: what docs/testing-languages.md tells its users.

import { after, before, test } from 'node:test'

import { remote } from 'webdriverio'
import { Service } from 'towline-virtual'
import { install } from 'towline-virtual/webdriverio'
import { Site } from './site.mjs'

let browser, service, site
before(async () => {
  site = await new Site().open()
  service = await Service.start()
  browser = await remote({
    logLevel: 'error',
    capabilities: {
      browserName: 'chrome',
      webSocketUrl: true,
      'goog:chromeOptions': {
        binary: process.env.TOWLINE_CHROMIUM ?? '/usr/lib/chromium/chromium',
        args: ['headless=new', 'no-sandbox', 'disable-dev-shm-usage'],
      },
      'wdio:chromedriverOptions': {
        binary: process.env.TOWLINE_CHROMEDRIVER ?? '/usr/bin/chromedriver',
      },
    },
  })
})
after(async () => {
  await browser?.deleteSession()
  await service?.stop()
  site?.close()
})

test('a page registers and signs in, and the person refuses once', async () => {
  const session = await service.newSession()
  const phone = await session.addAuthenticator('synced-passkey')
  await install(browser, service, session)
  await browser.url(`${site.origin}/open`)
  const says = (text) => browser.waitUntil(
    async () => (await browser.$('output').getText()).includes(text))

  await browser.$('button=Register').click()
  await says('Registered')
  await phone.script('signing-in: refuses once; agrees')
  await browser.$('button=Sign in').click()
  await says('NotAllowedError')
  await browser.$('button=Sign in').click()
  await says('Signed in')
})
