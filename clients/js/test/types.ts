// Compiled, and not run: the types of the package are those of its calls.
import { chromium, type BrowserContext } from 'playwright-core'
import { BadCall, Service, type Credential } from 'towline-virtual'
import { Credentials, install } from 'towline-virtual/playwright'
import { expect, test } from 'towline-virtual/playwright-test'

export async function aTest(context: BrowserContext): Promise<Credential | undefined> {
  const service = await Service.start({ kind: 'platform' })
  const session = await service.newSession()
  const key = await session.addAuthenticator({ preset: 'security-key', pin: '2580' })
  await key.fail('wrong-challenge', { fault: 'flip-be', times: 1 })
  // @ts-expect-error: there is no such preset.
  await session.addAuthenticator('passkey').catch((error: BadCall) => error.member)
  await install(context, session)
  const credentials = await Credentials.for(context, service, 'phone')
  // Playwright's own calls have these shapes.
  const same: Omit<BrowserContext['credentials'], symbol> = credentials
  await same.create('example.org')
  await (await chromium.launch()).close()
  return (await key.credentials())[0]
}

test('the test of Playwright', async ({ context, virtualService }) => {
  const [{ publicKey }] = await context.credentials.get({ rpId: 'localhost' })
  await context.credentials.authenticator.script('refuses')
  expect(virtualService.pid && publicKey).toBeTruthy()
})
