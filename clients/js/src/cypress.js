// Cypress, in its configuration, which starts the service: specs run in the browser, and ask it by
// `cy.task`. What belongs into the support file is in cypress-support.js.

import { Service } from './service.js'

/** For `setupNodeEvents(on)`: starts the service, and stops it after the run. */
export async function passkeys(on, options) {
  const service = await Service.start(options)
  const { defaultSession: session } = service
  const authenticators = new Map()
  const added = async (given) => {
    const authenticator = await session.addAuthenticator(given)
    authenticators.set(authenticator.id, authenticator)
    return authenticator.id
  }
  const having = (id) => {
    const authenticator = authenticators.get(id)
    if (authenticator) return authenticator
    throw new Error(`there is no authenticator ${id}: make one by the task "towline:add"`)
  }
  on('after:run', () => service.stop())
  on('task', {
    'towline:script': async () => {
      const { origin } = new URL(service.address)
      return (await fetch(`${origin}/${await session.pageKey()}/page/script.js`)).text()
    },
    'towline:reset': async () => {
      for (const it of await session.authenticators()) await it.remove()
      authenticators.clear()
      return null
    },
    'towline:add': added,
    // A task has one argument, and may not give `undefined`.
    'towline:call': async ({ authenticator, call, with: given = [] }) =>
      (await having(authenticator)[call](...given)) ?? null,
  })
  return service
}
