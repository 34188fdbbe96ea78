import type { Sealer } from './sealed.ts'

/** What a client carries from a call that needs its input to the retry with the answers (2026-07-28, MRTR). */
export interface RequestState {
  readonly deploymentId: string
  /** The bridge that holds the call. */
  readonly bridge: string
  /** Names the held call; null when the server starts the call anew. */
  readonly hold: string | null
  /** Changes each time that input is asked for, so that no state is accepted twice. */
  readonly round: number
  readonly subject: string
  /** Of what was called and with what. */
  readonly digest: string
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

const FORMAT = 1
const MAX_LETTERS = 4096

export function sealState(sealer: Sealer, state: RequestState): string {
  return sealer.seal(Buffer.from(JSON.stringify({ format: FORMAT, ...state })))
}

/** The state that `sealer` sealed, or undefined for any other text. */
export function openState(sealer: Sealer, sealed: string): RequestState | undefined {
  if (sealed.length > MAX_LETTERS) return undefined
  const content = sealer.open(sealed)
  if (content === undefined) return undefined
  // Authenticated: only sealState wrote it, and `format` says by which shape.
  const { format, ...state } = JSON.parse(content.toString()) as RequestState & { format: number }
  return format === FORMAT ? state : undefined
}
