/** For the support file: `register(Cypress)`. Each test begins without authenticators. */
export function register(Cypress: {
  on(event: 'window:before:load', run: (window: any) => void): unknown
}): void
