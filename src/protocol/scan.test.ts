import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isJsonRpc2, messageKind, ownNumber, textOf } from './message.ts'
import type { Envelope, Span } from './envelope.ts'
import { scan, ScanError, type ScanFault } from './scan.ts'

const STRICT = { maxDepth: 64, trusted: false }
const TRUSTED = { maxDepth: 64, trusted: true }

function scanText(text: string | Buffer, options = STRICT): { bytes: Buffer; envelope: Envelope } {
  const bytes = Buffer.from(text)
  const found = scan(bytes, options)
  if ('length' in found) throw new Error('a batch')
  return { bytes, envelope: found }
}

function faultOf(text: string | Buffer, options = STRICT): ScanFault | null {
  try {
    scan(Buffer.from(text), options)
    return null
  } catch (error) {
    if (error instanceof ScanError) return error.fault
    throw error
  }
}

const nested = (depth: number) => `{"x":${'['.repeat(depth)}${']'.repeat(depth)}}`
const at = (bytes: Buffer, span: Span | null) =>
  span === null ? null : bytes.toString('utf8', span.start, span.end)

/** JSON text as other programs write it: any white space between tokens. */
const message = fc
  .tuple(
    fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 }), { maxKeys: 4 }),
    fc.oneof(fc.string(), fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true })),
    fc.jsonValue(),
    fc.constantFrom('', ' ', '\n', '\t', '  '),
  )
  .map(([params, id, progressToken, indent]) => {
    const content = {
      jsonrpc: '2.0',
      id,
      method: 'a/b',
      params: { ...params, _meta: { progressToken, x: [params] } },
    }
    return { content, progressToken, text: JSON.stringify(content, null, indent) }
  })

describe('what is JSON and what is not', () => {
  test('every JSON object that JSON.parse accepts is accepted', () => {
    fc.assert(
      fc.property(message, ({ text }) => {
        expect(faultOf(text)).toBeNull()
        expect(faultOf(text, TRUSTED)).toBeNull()
      }),
    )
  })

  test('one changed byte is accepted exactly when JSON.parse accepts it', () => {
    fc.assert(
      fc.property(message, fc.nat(), fc.integer({ min: 0, max: 127 }), ({ text }, position, byte) => {
        const bytes = Buffer.from(text)
        bytes[position % bytes.length] = byte
        const fault = faultOf(bytes)
        let parses = true
        try {
          JSON.parse(bytes.toString())
        } catch {
          parses = false
        }
        // JSON may still be no message, or one that is refused; what is accepted is always JSON.
        expect(fault).not.toBe(parses ? 'not_json' : null)
      }),
      { numRuns: 2000 },
    )
  })

  test('a text that was cut off is refused at every length', () => {
    const text = '{"jsonrpc":"2.0","id":"a\\u00e9\\"","method":"m","params":{"x":[1.5e-3,true,null,"é"]}}'
    const bytes = Buffer.from(text)
    for (let end = 0; end < bytes.length; end++) {
      expect(faultOf(bytes.subarray(0, end))).toMatch(/not_json|not_utf8/)
      expect(faultOf(bytes.subarray(0, end), TRUSTED)).toBe('not_json')
    }
  })

  test.for([
    '{"id":01}',
    '{"id":1.}',
    '{"id":.5}',
    '{"id":+1}',
    '{"id":1e}',
    '{"id":NaN}',
    "{'id':1}",
    '{"id":1,}',
    '{,"id":1}',
    '{"id" 1}',
    '{"id":1} x',
    '{"id":1}{"id":2}',
    '{"id":"\\x"}',
    '{"id":"\\u12g4"}',
    '{"id":"\t"}',
    '{"id":tru}',
    '{"id":[1,]}',
    '{"id":[1}',
    '\ufeff{"id":1}',
    '',
  ])('%j is not JSON', (text) => {
    expect(faultOf(text)).toBe('not_json')
  })

  test.for(['1', '"x"', 'null', '[]', '[1]'])('%s is JSON, but no message', (text) => {
    expect(faultOf(text)).toBe('not_a_message')
  })

  test('bytes that are not UTF-8 are refused wherever they are', () => {
    expect(faultOf(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toBe('not_utf8')
    expect(faultOf(Buffer.from('{"method":"\xed\xa0\x80"}', 'latin1'))).toBe('not_utf8')
  })

  test('nesting is bounded', () => {
    expect(faultOf(nested(63))).toBeNull()
    expect(faultOf(nested(64))).toBe('too_deep')
    expect(faultOf(nested(100_000))).toBe('too_deep')
  })
})

describe('what a bridge reads', () => {
  test('the parts are found whatever their order and surroundings', () => {
    const { bytes, envelope } = scanText(`
      { "params" : {"arguments":{"id":7,"name":"no"},"_meta":{"x":{"progressToken":1},"progressToken":"p\\u0020"},
        "name":"tool","uri":"file:///é"}, "method":"tools/call","id" : 12345678901234567890 ,"jsonrpc":"2.0" }`)
    expect(at(bytes, envelope.id)).toBe('12345678901234567890')
    expect(textOf(bytes, envelope.method)).toBe('tools/call')
    expect(textOf(bytes, envelope.name)).toBe('tool')
    expect(textOf(bytes, envelope.uri)).toBe('file:///é')
    expect(at(bytes, envelope.progressToken)).toBe('"p\\u0020"')
    expect(isJsonRpc2(bytes, envelope)).toBe(true)
    expect(messageKind(bytes, envelope)).toBe('request')
  })

  test('ids and tokens are found as they are spelt', () => {
    fc.assert(
      fc.property(message, ({ text, content, progressToken }) => {
        const { bytes, envelope } = scanText(text)
        expect(JSON.parse(at(bytes, envelope.id) ?? '')).toEqual(JSON.parse(JSON.stringify(content.id)))
        expect(JSON.parse(at(bytes, envelope.progressToken) ?? '')).toEqual(
          JSON.parse(JSON.stringify(progressToken)),
        )
      }),
    )
  })

  test('the modern era is recognised by its _meta', () => {
    const meta = '{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}'
    const { bytes, envelope } = scanText(`{"method":"m","id":1,"params":{"_meta":${meta}}}`)
    expect(textOf(bytes, envelope.metaVersion)).toBe('2026-07-28')
  })

  test.for([
    ['{"id":1,"method":"m"}', 'request'],
    ['{"id":"","method":"m"}', 'request'],
    ['{"method":"m"}', 'notification'],
    ['{"id":-1.5,"result":null}', 'response'],
    ['{"id":1,"error":{}}', 'response'],
    ['{"id":1,"result":1,"error":1}', null],
    ['{"id":1}', null],
    ['{"id":null,"method":"m"}', null],
    ['{"id":{},"method":"m"}', null],
    ['{"id":[1],"result":1}', null],
    ['{"id":true,"method":"m"}', null],
    ['{"id":1,"method":5}', null],
    ['{"id":1,"method":"m","result":1}', null],
    ['{}', null],
  ] as const)('%s is %s', ([text, kind]) => {
    const { bytes, envelope } = scanText(text)
    expect(messageKind(bytes, envelope)).toBe(kind)
  })

  test('a batch is a list of messages', () => {
    const bytes = Buffer.from('[{"id":1,"method":"a"},\n{"method":"b"}]')
    const found = scan(bytes, STRICT)
    expect('length' in found && found.map((envelope) => textOf(bytes, envelope.method))).toEqual(['a', 'b'])
  })

  test.for([
    ['12', 12],
    ['"12"', 12],
    ['0', 0],
    ['-1', undefined],
    ['1.5', undefined],
    ['""', undefined],
    ['"x"', undefined],
    ['9999999999999999', undefined],
  ] as const)('of our own numbers, %s is %s', ([text, number]) => {
    expect(ownNumber(Buffer.from(text), { start: 0, end: text.length })).toBe(number)
  })
})

describe('what could mean one thing to us and another to the server', () => {
  test.for([
    '{"id":1,"id":2,"method":"m"}',
    '{"method":"a","method":"b"}',
    '{"params":{},"params":{}}',
    '{"params":{"name":"a","name":"b"}}',
    '{"params":{"uri":"a","uri":"b"}}',
    '{"params":{"_meta":{},"_meta":{}}}',
    '{"params":{"_meta":{"progressToken":1,"progressToken":2}}}',
    '{"id":1,"\\u0069d":2}',
    '{"\\u006dethod":"m"}',
    '{"params":{"n\\u0061me":"x"}}',
    '{"params":{"_meta":{"progress\\u0054oken":1}}}',
  ])('%s is refused', (text) => {
    expect(faultOf(text)).toBe('duplicate')
  })

  test('members that nobody reads may repeat and be spelt as they like', () => {
    expect(faultOf('{"x":1,"x":2,"\\u0078":3,"params":{"arguments":{"name":1,"name":2}}}')).toBeNull()
  })

  test('line breaks between tokens become blanks, those in strings are refused', () => {
    const bytes = Buffer.from('{\r\n"method" :\n"m"\r}\n')
    scan(bytes, STRICT)
    expect(bytes.toString()).toBe('{  "method" : "m" } ')
    expect(faultOf('{"method":"a\nb"}')).toBe('not_json')
    expect(faultOf('{"method":"a\rb"}')).toBe('not_json')
  })

  test('after a scan there is no line break in any accepted text', () => {
    fc.assert(
      fc.property(message, ({ content }) => {
        const bytes = Buffer.from(JSON.stringify(content, null, 2).replaceAll('\n', '\r\n'))
        scan(bytes, STRICT)
        expect(bytes.includes(10) || bytes.includes(13)).toBe(false)
        expect(JSON.parse(bytes.toString())).toEqual(JSON.parse(JSON.stringify(content)))
      }),
    )
  })
})

test('long strings of a trusted text end where JSON says they do', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', '"', '\\', 'é', '\n'), minLength: 60, maxLength: 200 }),
      (long) => {
        const { bytes, envelope } = scanText(JSON.stringify({ result: [long], id: 5 }), TRUSTED)
        expect(JSON.parse(at(bytes, envelope.result) ?? '')).toEqual([long])
        expect(at(bytes, envelope.id)).toBe('5')
      },
    ),
  )
})
