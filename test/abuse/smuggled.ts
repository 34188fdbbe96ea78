export const PING = '{"jsonrpc":"2.0","id":1,"method":"ping"}'
const HIDDEN = 'POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 0\r\n\r\n'

/** Framings of a request that two servers might read in two ways, with what follows the head. */
export const SMUGGLED = [
  ['a length and chunks', ['content-length: 5', 'transfer-encoding: chunked'], `0\r\n\r\n${HIDDEN}`],
  ['chunks and a length', ['transfer-encoding: chunked', 'content-length: 5'], `0\r\n\r\n${HIDDEN}`],
  ['two lengths', ['content-length: 40', 'content-length: 0'], PING + HIDDEN],
  ['a length with a sign', ['content-length: +40'], PING],
  ['a length in hexadecimal', ['content-length: 0x28'], PING],
  ['lengths in a list', ['content-length: 40, 40'], PING],
  ['a negative length', ['content-length: -1'], PING],
  ['a blank before the colon', ['content-length : 40'], PING],
  ['chunked in disguise', ['transfer-encoding: xchunked', 'content-length: 40'], PING + HIDDEN],
  ['chunked twice', ['transfer-encoding: chunked, chunked'], `0\r\n\r\n${HIDDEN}`],
  ['a folded header', ['transfer-encoding:', ' chunked', 'content-length: 40'], PING],
  ['a chunk size that overflows', ['transfer-encoding: chunked'], `fffffffffffffffff\r\n${PING}`],
  ['a chunk size that is none', ['transfer-encoding: chunked'], `28;\n${PING}\r\n0\r\n\r\n`],
  ['a carriage return in a value', ['content-length: 40', 'x: a\rb: c'], PING],
  ['a line feed in a value', ['content-length: 40', 'x: a\nb'], PING],
  ['a NUL in a value', ['content-length: 40', 'x: a\0b'], PING],
  ['a NUL in a name', ['content-length: 40', 'x\0: a'], PING],
  ['100 KiB of headers', ['content-length: 40', `x: ${'a'.repeat(102_400)}`], PING],
] as const
