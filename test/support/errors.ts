import { CatwalkError } from '../../src/domain/index.ts'

/** The error of the catalogue that a promise rejects with. Anything else fails the test. */
export async function catwalkErrorOf(promise: Promise<unknown>): Promise<CatwalkError> {
  const outcome = await promise.then(
    () => new Error('it did not reject'),
    (error: unknown) => error,
  )
  if (outcome instanceof CatwalkError) return outcome
  throw outcome
}
