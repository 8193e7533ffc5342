import type { Service, StartOptions } from './index.js'

/** What `setupNodeEvents` is given, as far as it is used here. */
export interface On {
  (event: 'task', tasks: Record<string, (given: any) => unknown>): void
  (event: 'after:run', run: () => Promise<void>): void
}

/** For `setupNodeEvents(on)`: starts the service, gives tasks, and stops it after the run. */
export function passkeys(on: On, options?: StartOptions): Promise<Service>
