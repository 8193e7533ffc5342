import type { Service, Session } from './index.js'

/** Gives all pages the passkeys of a session. The browser has to speak WebDriver BiDi. */
export function install(browser: { isBidi: boolean }, service: Service, session?: Session):
  Promise<void>
