import { CatwalkError } from '../errors.ts'

/** An `invalid_source` error. `message` may quote what was typed, unless it could hold a password. */
export function notASource(message: string, help?: string): CatwalkError {
  return new CatwalkError('invalid_source', message, {
    ...(help === undefined ? {} : { help }),
    details: { field: 'source' },
  })
}
