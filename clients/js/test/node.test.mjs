// Ceremonies without a browser: what docs/testing-languages.md tells users of Node.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'

import { ProgramEnded, ProgramMissing, Service, StillOpen } from 'towline-virtual'
import { Site } from './site.mjs'

let service
before(async () => { service = await Service.start() })
after(() => service.stop())

test('a passkey registers and signs in, and its person refuses once', async () => {
  const session = await service.newSession()
  const phone = await session.addAuthenticator('synced-passkey')
  const site = new Site()
  assert(await site.register(session))
  assert(await site.signIn(session))

  await phone.script('signing-in: refuses once; agrees')
  await assert.rejects(site.signIn(session), { name: 'NotAllowedError' })
  assert(await site.signIn(session))
})

test('what is broken reaches the site, as often as it was asked for', async () => {
  const session = await service.newSession()
  const phone = await session.addAuthenticator('platform')
  const site = new Site()
  await site.register(session)
  await phone.fail({ fault: 'wrong-challenge', phase: 'get', times: 1 })
  await assert.rejects(site.signIn(session), /challenge/i)
  assert(await site.signIn(session))
  assert.equal((await phone.faults())[0].count, 1)
  const known = await service.knownFaults()
  assert(known.some(({ fault }) => fault === 'wrong-challenge'))
})

test('several authenticators stand side by side', async () => {
  const session = await service.newSession()
  const key = await session.addAuthenticator({ preset: 'security-key', pin: '2580' })
  const phone = await session.addAuthenticator('synced-passkey')
  assert.equal((await session.authenticators()).length, 2)
  await phone.script('refuses')
  await key.remove()
  await assert.rejects(new Site().register(session), { name: 'NotAllowedError' })
  await phone.script()
  const site = new Site()
  assert(await site.register(session))
  assert.equal((await phone.credentials()).length, 1)
})

test('a question stays open until somebody answers for the person', async () => {
  const session = await service.newSession()
  const phone = await session.addAuthenticator({ preset: 'platform', isUserConsenting: false })
  const site = new Site()
  const open = await session.create(site.origin, await site.creation(), { wait: 0 })
    .catch((error) => error)
  assert(open instanceof StillOpen, open)
  assert.equal((await phone.questions()).open.length, 1)
  assert.equal(await phone.answer('agrees'), 1)
  assert(await site.registered(await session.ceremony(open.ceremonyId)))
})

test('time is moved, and the log says what was asked', async () => {
  const session = await service.newSession()
  const phone = await session.addAuthenticator()
  const before = await phone.snapshot()
  await new Site().register(session)
  const { elapsed } = await session.clock({ held: true, advance: 300 })
  assert(elapsed >= 300)
  const asked = (await session.log()).find(({ event }) => event === 'request')
  assert(asked.request.command)
  await phone.restore(before)
  assert.deepEqual(await phone.credentials(), [])
})

test('a passkey goes to the other client, and one of its comes here', async () => {
  const session = await service.newSession()
  const phone = await session.addAuthenticator()
  const site = new Site()
  await site.register(session)
  const [passkey] = await phone.credentials()
  await phone.removeCredentials()
  await assert.rejects(site.signIn(session), { name: 'NotAllowedError' })
  await phone.addCredential(JSON.parse(JSON.stringify(passkey)))
  assert(await site.signIn(session))

  // The stage `languages` runs this twice, with the tests of the client for Python in between.
  const { TOWLINE_TO_PYTHON: there, TOWLINE_FROM_PYTHON: back } = process.env
  if (there) {
    const [id, credential] = [...site.passkeys][0]
    const publicKey = Buffer.from(credential.publicKey).toString('base64url')
    writeFileSync(there, JSON.stringify({ passkey, id, publicKey }))
  }
  if (back && existsSync(back)) {
    const theirs = JSON.parse(readFileSync(back, 'utf8'))
    await phone.removeCredentials()
    await phone.addCredential(theirs.passkey)
    const publicKey = Buffer.from(theirs.publicKey, 'base64url')
    site.passkeys.set(theirs.id, { id: theirs.id, publicKey, counter: 0 })
    assert(await site.signIn(session))
  }
})

test('a mistake names the member', async () => {
  await assert.rejects(service.defaultSession.addAuthenticator({ transport: 'air' }), {
    name: 'BadCall', status: 400, member: 'transport',
  })
})

test('a program that is not there is an error that says what to do', async () => {
  await assert.rejects(Service.start({ program: '/nowhere/towline' }), (error) => {
    assert(error instanceof ProgramMissing)
    return /\/nowhere\/towline/.test(error.message)
  })
})

test('a program that does not serve is an error, with what it said', async () => {
  await assert.rejects(Service.start({ kind: 'no-such' }), (error) => {
    assert(error instanceof ProgramEnded)
    return /no-such/.test(error.message)
  })
})

test('a program that is killed is an error, and leaves no zombie', async () => {
  const other = await Service.start()
  process.kill(other.pid, 'SIGKILL')
  await assert.rejects(async () => {
    for (;;) await other.newSession()
  }, ProgramEnded)
  await other.stop()
  assert(!existsSync(`/proc/${other.pid}`))
})

test('a test run that is killed leaves no service', async () => {
  const lines = `import { Service } from 'towline-virtual'
    console.log((await Service.start()).address)
    setInterval(() => {}, 1000)`
  const run = spawn(process.execPath, ['--input-type=module', '--eval', lines],
    { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'inherit'] })
  const [url] = await once(createInterface({ input: run.stdout }), 'line')
  assert((await fetch(new URL('v1/default', url))).ok)
  run.kill('SIGKILL')
  await assert.rejects(async () => {
    for (;;) await fetch(new URL('v1/default', url))
  }, /fetch failed/)
})

test('a stopped program is gone', async () => {
  const other = await Service.start()
  await other.stop()
  assert(!existsSync(`/proc/${other.pid}`))
  await assert.rejects(other.newSession(), ProgramEnded)
})

test('a site lets another use its passkeys', async () => {
  const session = await service.newSession()
  await session.addAuthenticator()
  const site = new Site('https://example.org')
  site.rpID = 'example.org'
  await site.register(session)
  const shop = 'https://shop.example'
  const request = async () => session.get(shop, await site.request())
  await assert.rejects(request(), { name: 'SecurityError' })
  await session.publishRelatedOrigins(site.rpID, [shop])
  assert.equal((await request()).type, 'public-key')
})
