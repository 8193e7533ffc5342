// Cypress: passkeys for the pages that `cy.visit` opens.
//
// The configuration starts the service, since specs run in the browser; a spec asks it by `cy.task`.

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
    'towline:add': added,
    // A task has one argument, and may not give `undefined`.
    'towline:call': async ({ authenticator, call, with: given = [] }) =>
      (await having(authenticator)[call](...given)) ?? null,
  })
  return service
}

/** For the support file: `cy.visit` brings the script before those of the page. */
export function register(Cypress, cy) {
  Cypress.Commands.overwrite('visit', (visit, ...given) => {
    const options = typeof given.at(-1) === 'object' ? given.pop() : {}
    return cy.task('towline:script', null, { log: false }).then((script) => visit(...given, {
      ...options,
      onBeforeLoad(window) {
        window.eval(script)
        options.onBeforeLoad?.(window)
      },
    }))
  })
}
