import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { inOrder, insertMembers, removeMember } from './edits.ts'
import { membersOf, scan } from './scan.ts'
import { splice, type Bytes } from './splice.ts'

const OPTIONS = { maxDepth: 64, trusted: false }
const buffer = (bytes: Bytes) =>
  typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.concat(bytes)
// As JSON holds it, which has no negative zero.
const result = fc
  .dictionary(fc.string({ unit: 'grapheme', minLength: 7 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 })
  .map((members) => JSON.parse(JSON.stringify(members)) as typeof members)
const indent = fc.constantFrom('', ' ', '\n', '\t')

test('members that are put into an object stand beside all that it had', () => {
  fc.assert(
    fc.property(result, indent, (members, space) => {
      const source = Buffer.from(JSON.stringify({ id: 1, result: members }, null, space))
      const found = scan(source, OPTIONS)
      if ('length' in found || found.result === null || found.id === null) throw new Error('not one message')
      const edits = inOrder([
        insertMembers(source, found.result, '"new":[1]'),
        { span: found.id, letters: '22' },
      ])
      const changed = JSON.parse(buffer(splice(source, found, edits)).toString()) as unknown
      expect(changed).toEqual({ id: 22, result: { ...members, new: [1] } })
    }),
  )
})

test('the members of an object are found where they stand, whatever they are called', () => {
  fc.assert(
    fc.property(result, indent, (members, space) => {
      const source = Buffer.from(JSON.stringify({ id: 1, result: members }, null, space))
      const found = scan(source, OPTIONS)
      if ('length' in found || found.result === null) throw new Error('not one message')
      const spans = membersOf(source, found.result)
      const values = [...spans].map(
        ([name, { start, end }]) => [name, JSON.parse(source.toString('utf8', start, end))] as const,
      )
      expect(values).toEqual(Object.entries(members))
    }),
  )
})

test('a member that is taken out leaves all others', () => {
  fc.assert(
    fc.property(result, indent, fc.nat(), (members, space, choice) => {
      const names = Object.keys(members)
      const name = names[choice % names.length]
      const source = Buffer.from(JSON.stringify({ id: 1, result: members }, null, space))
      const found = scan(source, OPTIONS)
      if ('length' in found || found.result === null) throw new Error('not one message')
      const span = name === undefined ? undefined : membersOf(source, found.result).get(name)
      if (name === undefined || span === undefined) return
      const changed = JSON.parse(
        buffer(splice(source, found, [removeMember(source, span)])).toString(),
      ) as unknown
      expect(changed).toEqual({
        id: 1,
        result: Object.fromEntries(Object.entries(members).filter(([other]) => other !== name)),
      })
    }),
  )
})
