import { CatwalkError } from './errors.ts'

/** As Node's system calls say it, and PostgreSQL (SQLSTATE 53100). */
const CODES: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', '53100'])

/** What to tell of any error. Of what is not of the catalogue only the log learns more. */
export function publicError(error: unknown): CatwalkError {
  if (error instanceof CatwalkError) return error
  return diskFull(error) ?? new CatwalkError('internal', 'Something went wrong in Catwalk.', { cause: error })
}

/** CatwalkError `disk_full` for an error that comes from a disk without space, null for any other. */
export function diskFull(error: unknown): CatwalkError | null {
  for (let one = error; one instanceof Error; one = one.cause) {
    if ('code' in one && CODES.has(one.code)) {
      return new CatwalkError('disk_full', 'There is no space left on the disk that Catwalk writes to.', {
        cause: error,
      })
    }
  }
  return null
}
