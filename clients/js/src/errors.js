// What can go wrong, each with a message that says what to do.

/** There is no program `towline` on this machine. */
export class ProgramMissing extends Error {
  name = 'ProgramMissing'
}

/** The program did not start, or has ended. */
export class ProgramEnded extends Error {
  name = 'ProgramEnded'
}

/**
 * The service refused. In a ceremony, `name` is that of the exception that a browser would throw,
 * such as `NotAllowedError`.
 */
export class Refused extends Error {
  constructor(status, { name, reason, message, member }) {
    super(message)
    this.name = name ?? 'Refused'
    this.status = status
    this.reason = reason
    this.member = member ?? undefined
  }
}

/** A ceremony is not over: the person has not answered. */
export class StillOpen extends Error {
  name = 'StillOpen'

  constructor(ceremonyId) {
    super(`ceremony ${ceremonyId} still waits, for the person or, in a session that has none, for ` +
      'an authenticator: see authenticator.questions(), and answer with authenticator.answer(); or ' +
      'let its time run out with session.clock({ advance: 600 }), and ask session.ceremony(id)')
    this.ceremonyId = ceremonyId
  }
}
