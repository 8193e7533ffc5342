import type { Service, StartOptions } from './index.js'

/** For `setupNodeEvents(on)`: starts the service, gives tasks, and stops it after the run. */
export function passkeys(on: (event: any, action: any) => void, options?: StartOptions):
  Promise<Service>
