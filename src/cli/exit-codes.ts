/** What the program's exit tells a script; documented in docs/cli.md. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  forbidden: 4,
  unreachable: 5,
  deploymentFailed: 6,
  timedOut: 7,
  toolError: 8,
  interrupted: 130,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** The exit code for an error of the catalogue. */
export function exitCodeOf(code: string, status: number): ExitCode {
  if (code === 'unavailable') return EXIT.unreachable
  if (code === 'wait_timeout') return EXIT.timedOut
  if (status === 400) return EXIT.usage
  if (status === 404) return EXIT.notFound
  if (status === 401 || status === 403) return EXIT.forbidden
  return EXIT.failed
}
