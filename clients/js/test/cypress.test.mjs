// What Cypress is given, in a browser, with a stand-in for Cypress: its program can't be had from
// npm. The stand-in does what Cypress's documentation says: pages under test are in a frame of a
// page of the same origin, which is told of each window before its scripts run, and what `cy.task`
// takes and gives is JSON.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { chromium } from 'playwright-core'
import { passkeys } from 'towline-virtual/cypress'
import { Site } from './site.mjs'

const RUNNER = `<!doctype html><iframe name=app></iframe><script type=module>
  const handlers = {}, hooks = []
  Object.assign(window, {
    Cypress: {
      on: (event, run) => { handlers[event] = run },
      action: (event, ...given) => handlers[event](...given),
    },
    cy: { task: (name, given) => task(name, given) },
    before: (run) => hooks.push(run),
    beforeEach: (run) => hooks.push(run),
    begin: async () => { for (const run of hooks) await run() },
  })
  const { register } = await import('/support.js')
  register(Cypress)
  await begin()
  document.title = 'ready'
</script>`

const TOLD = '<script>parent.Cypress?.action("window:before:load", window)</script>'

/** Pages come from here: those of the site with word to the page above before their scripts. */
async function proxy(site) {
  const support = fileURLToPath(import.meta.resolve('towline-virtual/cypress-support'))
  const own = {
    '/runner': ['text/html', RUNNER],
    '/support.js': ['text/javascript', await readFile(support)],
  }
  return createServer(async (request, response) => {
    const { method, url } = request
    const [kind, page] = own[url] ?? ['text/html']
    response.setHeader('content-type', kind)
    if (page) return response.end(page)
    const body = method === 'POST' ? await text(request) : undefined
    const answer = await fetch(site + url, { method, body })
    response.writeHead(answer.status)
    response.end((method === 'GET' ? TOLD : '') + await answer.text())
  }).listen(0, '127.0.0.1')
}

let browser, server, service, site
const events = {}
before(async () => {
  const executablePath = process.env.TOWLINE_CHROMIUM ?? '/usr/lib/chromium/chromium'
  site = await new Site().open()
  server = await proxy(site.origin)
  await once(server, 'listening')
  site.origin = `http://localhost:${server.address().port}`
  service = await passkeys((event, given) => { events[event] = given })
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
})
after(async () => {
  await browser?.close()
  await events['after:run']?.()
  server?.closeAllConnections()
  server?.close()
  site?.close()
})

test('a page registers and signs in, and the person refuses once', async () => {
  const page = await browser.newPage()
  await page.exposeFunction('task', async (name, given) => {
    const answer = await events.task[name](given)
    assert.notEqual(answer, undefined, 'a task gives null instead')
    return answer
  })
  await page.goto(`${site.origin}/runner`)
  await page.waitForFunction(() => document.title === 'ready')
  const task = (...given) => page.evaluate((it) => window.cy.task(...it), given)
  const app = page.frame('app')
  const says = (text) => app.waitForSelector(`output:has-text("${text}")`)

  const authenticator = await task('towline:add', { preset: 'synced-passkey' })
  await app.goto(`${site.origin}/open`)
  await app.click('text=Register')
  await says('Registered')
  await task('towline:call', {
    authenticator, call: 'script', with: ['signing-in: refuses once; agrees'],
  })
  await app.click('text=Sign in')
  await says('NotAllowedError')
  // Not by `cy.visit`: the page opens itself anew.
  await app.evaluate(() => window.location.reload())
  await app.waitForSelector('output:empty', { state: 'attached' })
  await app.click('text=Sign in')
  await says('Signed in')

  const credentials = await task('towline:call', { authenticator, call: 'credentials' })
  assert.equal(credentials[0].rpId, 'localhost')
  await page.evaluate(() => window.begin())
  assert.deepEqual(await service.defaultSession.authenticators(), [])
  await assert.rejects(task('towline:call', { authenticator, call: 'info' }), /towline:add/)
})
