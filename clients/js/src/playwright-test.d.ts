import type { BrowserContext, PlaywrightTestArgs, PlaywrightTestOptions, PlaywrightWorkerArgs,
  PlaywrightWorkerOptions, TestType } from '@playwright/test'
import type { AuthenticatorOptions, Preset, Service } from './index.js'
import type { Credentials } from './playwright.js'

export * from '@playwright/test'

export const test: TestType<
  PlaywrightTestArgs & PlaywrightTestOptions & {
    context: BrowserContext & { credentials: Credentials }
    virtualAuthenticator: Preset | AuthenticatorOptions
  },
  PlaywrightWorkerArgs & PlaywrightWorkerOptions & { virtualService: Service }
>
