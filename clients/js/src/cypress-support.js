// Cypress, in the browser: passkeys for every page under test, however it comes to be opened.

/**
 * For the support file. Each test begins without authenticators.
 * @param {Cypress.Cypress} Cypress
 */
export function register(Cypress) {
  let script
  before(() => cy.task('towline:script', null, { log: false }).then((it) => { script = it }))
  beforeEach(() => cy.task('towline:reset', null, { log: false }))
  // Before the scripts of the page, at visits, links and reloads alike.
  Cypress.on('window:before:load', (window) => { window.eval(script) })
}
