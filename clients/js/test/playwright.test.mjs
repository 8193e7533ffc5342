// Playwright as a library, in a browser: what docs/testing-languages.md tells its users.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { chromium } from 'playwright-core'
import { Service } from 'towline-virtual'
import { Credentials } from 'towline-virtual/playwright'
import { Site } from './site.mjs'

let browser, service, site
before(async () => {
  const executablePath = process.env.TOWLINE_CHROMIUM ?? '/usr/lib/chromium/chromium'
  site = await new Site().open()
  service = await Service.start()
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
})
after(async () => {
  await browser?.close()
  await service?.stop()
  site?.close()
})

const says = (page, text) => page.waitForSelector(`output:has-text("${text}")`)

test('a page registers and signs in, and the person refuses once', async () => {
  const context = await browser.newContext()
  const credentials = await Credentials.for(context, service)
  await credentials.install()
  const page = await context.newPage()
  await page.goto(site.origin)
  await page.click('text=Register')
  await says(page, 'Registered')

  await credentials.authenticator.script('signing-in: refuses once; agrees')
  await page.click('text=Sign in')
  await says(page, 'NotAllowedError')
  await page.click('text=Sign in')
  await says(page, 'Signed in')

  // What one context has learnt, another signs in with.
  const state = await credentials.storageState()
  assert.equal(state.credentials.length, 1)
  await context.close()
  const later = await browser.newContext()
  const same = await Credentials.for(later, service)
  await same.create(state.credentials[0].rpId, state.credentials[0])
  await same.install()
  const again = await later.newPage()
  await again.goto(site.origin)
  await again.click('text=Sign in')
  await says(again, 'Signed in')
  await later.close()
})

test('the calls of context.credentials have their names and shapes', async () => {
  const context = await browser.newContext()
  const credentials = await Credentials.for(context, service)
  const made = await credentials.create('localhost')
  for (const member of ['id', 'rpId', 'userHandle', 'privateKey', 'publicKey']) {
    assert.equal(typeof made[member], 'string', member)
  }
  assert.equal(made.signCount, 0)
  const other = await credentials.create('example.org')
  assert.deepEqual(await credentials.get({ rpId: 'localhost' }), [made])
  assert.deepEqual(await credentials.get({ id: other.id }), [other])
  await credentials.delete(made.id)
  assert.deepEqual(await credentials.get(), [other])

  // As Playwright writes it, and nothing else.
  const { id, userHandle, privateKey, publicKey } = made
  const added = await credentials.create('localhost', {
    id, userHandle, privateKey, publicKey, signCount: 7,
  })
  assert.deepEqual([added.id, added.publicKey, added.signCount], [id, publicKey, 7])
  await context.close()
})
