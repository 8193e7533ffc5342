/** For the support file: `register(Cypress)`. */
export function register(Cypress: any): void
