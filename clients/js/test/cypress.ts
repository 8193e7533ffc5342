// Compiled with Cypress's own types, as the support file is, and not run: the events and commands
// are those that it has.
import { passkeys } from 'towline-virtual/cypress'
import { register } from 'towline-virtual/cypress-support'

export const config: Cypress.ConfigOptions = {
  e2e: { setupNodeEvents: async (on) => { await passkeys(on, { kind: 'platform' }) } },
}

register(Cypress)

describe('a site', () => {
  it('signs in', () => {
    cy.task<string>('towline:add', { preset: 'synced-passkey' }).then((authenticator) => {
      cy.visit('/sign-in')
      cy.task('towline:call', { authenticator, call: 'script', with: ['signing-in: refuses once'] })
    })
  })
})
