import type { Call } from '../../api/calls.ts'

/** How each outcome of a call is called. */
export const OUTCOME_WORDS: Readonly<
  Record<Call['outcome'], { readonly word: string; readonly tone: 'ok' | 'warn' | 'bad' | 'plain' }>
> = {
  ok: { word: 'Answered', tone: 'ok' },
  tool_error: { word: 'Tool failed', tone: 'warn' },
  error: { word: 'Refused by the server', tone: 'warn' },
  cancelled: { word: 'Cancelled', tone: 'plain' },
  failed: { word: 'No answer', tone: 'bad' },
  limited: { word: 'Over a limit', tone: 'warn' },
  unavailable: { word: 'Not available', tone: 'bad' },
}

/** Whether a word of the address is one of them. */
export function isOutcome(word: string | undefined): word is Call['outcome'] {
  return word !== undefined && Object.hasOwn(OUTCOME_WORDS, word)
}
