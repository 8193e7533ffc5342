// Clients of DevTools against its door: chrome-remote-interface, Playwright and Puppeteer.
//
//     devtools.mjs DIRECTORY ADDRESS
//
// DIRECTORY has the node_modules; ADDRESS is that of the service, with the token in it.

import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'

const [directory, address] = process.argv.slice(2)
const require = createRequire(resolve(directory, 'package.json'))
const CDP = require('chrome-remote-interface')
const { chromium } = require('playwright-core')
const puppeteer = require('puppeteer-core')

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const key = privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64')
const options = {
  protocol: 'ctap2',
  ctap2Version: 'ctap2_1',
  transport: 'internal',
  hasResidentKey: true,
  hasUserVerification: true,
  isUserVerified: true,
}
const credential = {
  credentialId: 'AAH+/w==',
  isResidentCredential: true,
  rpId: 'example.org',
  privateKey: key,
  userHandle: 'AQ==',
  signCount: 7,
}

// What every client does, with whatever it sends commands by.
async function scenario(name, send, next) {
  await assert.rejects(send('WebAuthn.getCredentials', { authenticatorId: 'x' }), /not been enabled/)
  await send('WebAuthn.enable')
  const { authenticatorId } = await send('WebAuthn.addVirtualAuthenticator', { options })
  await send('WebAuthn.addCredential', { authenticatorId, credential })
  const { credentials } = await send('WebAuthn.getCredentials', { authenticatorId })
  assert.deepEqual(credentials.map((it) => [it.credentialId, it.signCount]), [['AAH+/w==', 7]])
  const deleted = next('WebAuthn.credentialDeleted')
  await send('WebAuthn.removeCredential', { authenticatorId, credentialId: 'AAH+/w==' })
  assert.deepEqual(await deleted, { authenticatorId, credentialId: 'AAH+/w==' })
  const bad = { ...options, transport: 'wifi' }
  await assert.rejects(
    send('WebAuthn.addVirtualAuthenticator', { options: bad }), /The transport is not valid/)
  await send('WebAuthn.disable')
  console.log(`ok   ${name}`)
}

// An event, once.
const once = (on) => (event) => new Promise((come) => on(event, come))

{
  // docs: remote interface
  const { webSocketDebuggerUrl } = await (await fetch(`${address}/json/version`)).json()
  const client = await CDP({ target: webSocketDebuggerUrl, local: true })
  await client.send('WebAuthn.enable')
  // docs: end
  await client.send('WebAuthn.disable')
  const send = (method, params) => client.send(method, params)
  await scenario('chrome-remote-interface', send, once((event, come) => client.once(event, come)))
  await client.close()
}

{
  // docs: playwright
  const browser = await chromium.connectOverCDP(address)
  const session = await browser.newBrowserCDPSession()
  await session.send('WebAuthn.enable')
  // docs: end
  await session.send('WebAuthn.disable')
  const send = (method, params) => session.send(method, params)
  await scenario('Playwright', send, once((event, come) => session.once(event, come)))
  await browser.close()
}

{
  // docs: puppeteer
  const { webSocketDebuggerUrl } = await (await fetch(`${address}/json/version`)).json()
  const browser = await puppeteer.connect({ browserWSEndpoint: webSocketDebuggerUrl })
  const session = await browser.target().createCDPSession()
  await session.send('WebAuthn.enable')
  // docs: end
  await session.send('WebAuthn.disable')
  const send = (method, params) => session.send(method, params)
  await scenario('Puppeteer', send, once((event, come) => session.once(event, come)))
  await browser.disconnect()
}
