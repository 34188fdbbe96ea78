import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createToolRules, type ToolRules } from '../../domain/index.ts'
import { scan, type Envelope } from '../../protocol/index.ts'
import { enter, relist } from './tool-lens.ts'

const OPTIONS = { maxDepth: 64, trusted: false }

function rulesOf(...given: Parameters<typeof createToolRules>): ToolRules {
  const rules = createToolRules(...given)
  if (rules === null) throw new Error('no rules')
  return rules
}

function request(text: string): { body: Buffer; envelope: Envelope } {
  const body = Buffer.from(text)
  const envelope = scan(body, OPTIONS)
  if ('length' in envelope) throw new Error('not one message')
  return { body, envelope }
}

test('whatever a call holds, only its name is another one afterwards, byte for byte', () => {
  const names = fc.string({ unit: 'grapheme', minLength: 1 })
  const payload = fc.oneof(fc.json(), fc.constant(`"${'é'.repeat(20_000)}"`), fc.constant('1.0e+2'))
  fc.assert(
    fc.property(names, names, payload, fc.boolean(), (outer, own, args, first) => {
      fc.pre(outer !== own)
      const rules = rulesOf({ [own]: { name: outer } })
      const around = (name: string): string => {
        const params = first
          ? `{"name":${name},"arguments":{"x":${args}}}`
          : `{ "arguments" : {"x":${args}}, "name" : ${name} }`
        return `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":${params}}`
      }
      const entered = enter(rules, request(around(JSON.stringify(outer))))
      if (!('envelope' in entered)) throw entered
      expect(entered.body.toString()).toBe(around(JSON.stringify(own)))
      expect(scan(entered.body, OPTIONS)).toEqual(entered.envelope)
    }),
  )
})

test('a request that names no renamed tool is the very same afterwards', () => {
  const rules = rulesOf({ a: { name: 'b' } })
  for (const text of [
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"c"}}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":7}}',
    '{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"b"}}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
  ]) {
    const given = request(text)
    expect(enter(rules, given)).toBe(given)
  }
})

const list = (tools: string): string =>
  `{"id":1.0,"result":{ "nextCursor":"\\u00e9", "tools":${tools},"ttlMs":1e3},"jsonrpc":"2.0"}`

test('in a list only the tools are written anew', () => {
  const rules = rulesOf({ a: { disabled: true }, b: { name: 'β' } })
  const answer = Buffer.from(list('[{"name":"a"},{"name":"b","n":1},null,{"name":"c"}]')).toString('latin1')
  const shown = relist(rules, answer)
  const bytes = typeof shown === 'string' ? Buffer.from(shown, 'latin1') : Buffer.concat(shown)
  expect(bytes.toString()).toBe(list('[{"name":"β","n":1},{"name":"c"}]'))
})

test('an error, and a result that lists nothing, pass as they are', () => {
  const rules = rulesOf({ a: { disabled: true } })
  for (const answer of [
    '{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"tools"}}',
    '{"jsonrpc":"2.0","id":1,"result":{"tools":"none"}}',
    '{"jsonrpc":"2.0","id":1,"result":{}}',
  ])
    expect(relist(rules, answer)).toBe(answer)
})
