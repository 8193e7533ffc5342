// Selenium's client for JavaScript against the WebDriver door.
//
//     webdriver.mjs DIRECTORY ADDRESS
//
// DIRECTORY has the node_modules; ADDRESS is that of the service, with the token in it.

import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'

const [directory, address] = process.argv.slice(2)
const require = createRequire(resolve(directory, 'package.json'))
const { Builder } = require('selenium-webdriver')
const { Credential, Protocol, Transport, VirtualAuthenticatorOptions } =
  require('selenium-webdriver/lib/virtual_authenticator')

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const key = privateKey.export({ format: 'der', type: 'pkcs8' }).toString('binary')

// docs: javascript
const driver = await new Builder()
  .usingServer(address)
  .withCapabilities({ browserName: 'towline' })
  .build()
const options = new VirtualAuthenticatorOptions()
options.setProtocol(Protocol.CTAP2)
options.setTransport(Transport.INTERNAL)
options.setHasResidentKey(true)
options.setHasUserVerification(true)
options.setIsUserVerified(true)
await driver.addVirtualAuthenticator(options)
// docs: end

const id = new Uint8Array([0, 1, 0xfe, 0xff])
const handle = new Uint8Array([7])
await driver.addCredential(
  new Credential().createResidentCredential(id, 'example.org', handle, key, 7))
const [found] = await driver.getCredentials()
assert.deepEqual([...found.id()], [...id])
assert.deepEqual([...found.userHandle()], [...handle])
assert.deepEqual([found.rpId(), found.signCount()], ['example.org', 7])
await driver.removeCredential(Buffer.from(id).toString('base64url'))
assert.deepEqual(await driver.getCredentials(), [])
await driver.addCredential(
  new Credential().createNonResidentCredential(id, 'example.org', key, 0))
await driver.removeAllCredentials()
assert.deepEqual(await driver.getCredentials(), [])
await driver.setUserVerified(false)
await assert.rejects(driver.removeCredential('AAAA'), { name: 'InvalidArgumentError' })
await driver.removeVirtualAuthenticator()
await driver.quit()
console.log('ok   Selenium for JavaScript')
