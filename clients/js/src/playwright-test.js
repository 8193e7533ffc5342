// `@playwright/test`, whose contexts have towline's passkeys as `context.credentials`.

import { test as base } from '@playwright/test'

import { Credentials } from './playwright.js'
import { Service } from './service.js'

export * from '@playwright/test'

export const test = base.extend({
  virtualAuthenticator: ['synced-passkey', { option: true }],
  virtualService: [async ({}, use) => {
    const service = await Service.start()
    await use(service)
    await service.stop()
  }, { scope: 'worker' }],
  context: async ({ context, virtualService, virtualAuthenticator }, use) => {
    const credentials = await Credentials.for(context, virtualService, virtualAuthenticator)
    Object.defineProperty(context, 'credentials', { value: credentials, configurable: true })
    await use(context)
  },
})
