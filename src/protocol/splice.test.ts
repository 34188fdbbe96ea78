import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { scan } from './scan.ts'
import { byteLength, splice, toBytes, wrap, type Bytes } from './splice.ts'
import { sseEvent } from './sse.ts'

const buffer = (bytes: Bytes) =>
  typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.concat(bytes)
const OPTIONS = { maxDepth: 64, trusted: false }

test('replacing an id and putting it back gives the same bytes, for short and for long messages', () => {
  const payload = fc.oneof(fc.jsonValue(), fc.constant('é'.repeat(20_000)))
  fc.assert(
    fc.property(payload, fc.oneof(fc.string(), fc.integer()), fc.boolean(), (params, id, first) => {
      const content = first ? { id, method: 'm', params: [params] } : { params: [params], method: 'm', id }
      const source = Buffer.from(JSON.stringify(content))
      const there = scan(source, OPTIONS)
      if ('length' in there || there.id === null) throw new Error('not one message')
      const letters = source.toString('latin1', there.id.start, there.id.end)
      const sent = buffer(splice(source, there, [{ span: there.id, letters: '17' }]))
      expect(JSON.parse(sent.toString())).toEqual({ ...JSON.parse(source.toString()), id: 17 })
      const back = scan(sent, OPTIONS)
      if ('length' in back || back.id === null) throw new Error('not one message')
      expect(buffer(splice(sent, back, [{ span: back.id, letters }])).equals(source)).toBe(true)
    }),
  )
})

test('bytes know their length in bytes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      expect(byteLength(toBytes(text))).toBe(Buffer.byteLength(text))
      const wrapped = wrap('<', [Buffer.from(text)], '>')
      expect(byteLength(wrapped)).toBe(Buffer.byteLength(text) + 2)
      expect(buffer(wrapped).toString()).toBe(`<${text}>`)
    }),
  )
})

test('a message is one data line of its event, and comes out of it unchanged', () => {
  fc.assert(
    fc.property(fc.json(), (json) => {
      const event = buffer(sseEvent('a.1.2', toBytes(json))).toString()
      const [id, data, ...rest] = event.split('\n')
      expect([id, data, rest]).toEqual(['id: a.1.2', `data: ${json}`, ['', '']])
    }),
  )
})
