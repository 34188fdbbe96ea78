import { randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { openState, sealState, type RequestState } from './request-state.ts'
import { createSealer } from './sealed.ts'

const sealer = createSealer(randomBytes(32), 'request state')
const state = fc.record<RequestState>({
  deploymentId: fc.string(),
  bridge: fc.string(),
  hold: fc.option(fc.string()),
  round: fc.nat(),
  subject: fc.string({ unit: 'grapheme', maxLength: 100 }),
  digest: fc.base64String({ maxLength: 44 }),
  expiresAt: fc.nat(),
})

test('a state comes back as it was given out', () => {
  fc.assert(
    fc.property(state, (given) => {
      expect(openState(sealer, sealState(sealer, given))).toEqual(given)
    }),
  )
})

test('a state with anything changed or added, of another key or another purpose, is none', () => {
  const others = [createSealer(randomBytes(32), 'request state')]
  fc.assert(
    fc.property(state, fc.nat(), fc.constantFrom('A', 'B', '-', '='), (given, position, letter) => {
      const sealed = sealState(sealer, given)
      const at = position % sealed.length
      const changed = sealed.slice(0, at) + letter + sealed.slice(at + 1)
      expect(openState(sealer, changed)).toEqual(changed === sealed ? given : undefined)
      expect(openState(sealer, `${sealed}-TAMPERED`)).toBeUndefined()
      for (const other of others) expect(openState(other, sealed)).toBeUndefined()
    }),
  )
})
