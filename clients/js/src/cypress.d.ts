import type { Service, StartOptions } from './index.js'

/** For `setupNodeEvents(on)`: starts the service, gives tasks, and stops it after the run. */
export function passkeys(on: (event: any, action: any) => void, options?: StartOptions):
  Promise<Service>
/** For the support file: `register(Cypress, cy)`. */
export function register(Cypress: any, cy: any): void
