// Cypress, in the browser: passkeys for the pages that `cy.visit` opens.

/** For the support file: `cy.visit` brings the script before those of the page. */
export function register(Cypress) {
  Cypress.Commands.overwrite('visit', (visit, ...given) => {
    const options = typeof given.at(-1) === 'object' ? given.pop() : {}
    const { cy } = globalThis
    return cy.task('towline:script', null, { log: false }).then((script) => visit(...given, {
      ...options,
      onBeforeLoad(window) {
        window.eval(script)
        options.onBeforeLoad?.(window)
      },
    }))
  })
}
