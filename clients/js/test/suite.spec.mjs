// A suite of Playwright's `context.credentials`, moved by changing this import.
import { expect, test } from 'towline-virtual/playwright-test'
import { Site } from './site.mjs'

test('a passkey of the page can be used later', async ({ context, page }) => {
  const site = await new Site().open()
  await context.credentials.install()
  await page.goto(site.origin)
  await page.click('text=Register')
  await expect(page.locator('output')).toHaveText('Registered')

  const [credential] = await context.credentials.get({ rpId: 'localhost' })
  await context.credentials.delete(credential.id)
  await page.click('text=Sign in')
  await expect(page.locator('output')).toContainText('NotAllowedError')
  await context.credentials.create(credential.rpId, credential)
  await page.click('text=Sign in')
  await expect(page.locator('output')).toHaveText('Signed in')
  site.close()
})
