import { ApiError } from '../api/client.ts'

export interface Explanation {
  readonly code: string
  readonly message: string
  readonly help: string
  /** Path on our own origin; null where there is no page about it. */
  readonly docs: string | null
  readonly requestId?: string
  /** The form field that the server named. */
  readonly field?: string
}

/** What happened, the fix and the code, for anything that can be thrown. */
export function explain(error: unknown): Explanation {
  if (error instanceof ApiError) {
    const { error: code, message, help, docs, requestId, details } = error.body
    const field = details?.['field']
    return {
      code,
      message,
      help,
      docs: docs.startsWith('/') && !docs.startsWith('//') ? docs : null,
      ...(requestId === undefined ? {} : { requestId }),
      ...(typeof field === 'string' ? { field } : {}),
    }
  }
  if (isUnreachable(error)) {
    return {
      code: 'unreachable',
      message: 'Catwalk does not answer.',
      help: 'Check that the program runs and that this machine can reach it. The page tries again by itself.',
      docs: null,
    }
  }
  return {
    code: 'dashboard_error',
    message: 'This page met something it did not expect.',
    help: 'Reload it. If it stays, report it with what you did before.',
    docs: null,
  }
}

/** `fetch` throws a TypeError when no answer came at all. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof TypeError
}
