const nested = (depth: number, open: string, close: string) =>
  `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":${open.repeat(depth)}0${close.repeat(depth)}}}`

/** Bodies that are not one message, each with what is wrong with it. */
export const BAD_BODIES = [
  ['arrays 1,000,000 deep', nested(1_000_000, '[', ']')],
  ['objects 1,000,000 deep', nested(1_000_000, '{"a":', '}')],
  [
    'an array that is never closed',
    `{"jsonrpc":"2.0","id":1,"method":"ping","params":${'['.repeat(2_000_000)}`,
  ],
  ['an id twice', '{"jsonrpc":"2.0","id":1,"method":"ping","id":2}'],
  ['a method twice', '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"}'],
  ['params twice', '{"jsonrpc":"2.0","id":1,"method":"ping","params":{},"params":{}}'],
  [
    'a tool name twice',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","name":"crash"}}',
  ],
  [
    'a tool name twice, once in escapes',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","n\\u0061me":"crash"}}',
  ],
  [
    '_meta twice',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","_meta":{},"_meta":{"progressToken":1}}}',
  ],
  ['two messages', '{"jsonrpc":"2.0","id":1,"method":"ping"}{"jsonrpc":"2.0","id":2,"method":"ping"}'],
  [
    'two messages in two lines',
    '{"jsonrpc":"2.0","id":1,"method":"ping"}\n{"jsonrpc":"2.0","id":2,"method":"ping"}',
  ],
  ['a line break in a string', '{"jsonrpc":"2.0","id":1,"method":"pi\nng"}'],
  ['a control character in a string', '{"jsonrpc":"2.0","id":"\u0001","method":"ping"}'],
  ['a byte order mark', '\uFEFF{"jsonrpc":"2.0","id":1,"method":"ping"}'],
  [
    'half a surrogate pair as bytes',
    Buffer.from([
      ...Buffer.from('{"jsonrpc":"2.0","id":"'),
      0xed,
      0xa0,
      0x80,
      ...Buffer.from('","method":"ping"}'),
    ]),
  ],
  ['an overlong slash', Buffer.from('{"jsonrpc":"2.0","id":1,"method":"tools\xc0\xaflist"}', 'latin1')],
  ['a character cut in the middle', Buffer.from('{"jsonrpc":"2.0","id":1,"method":"\xe2\x82"}', 'latin1')],
  ['a comment', '{"jsonrpc":"2.0","id":1,"method":"ping"/**/}'],
  ['NaN', '{"jsonrpc":"2.0","id":NaN,"method":"ping"}'],
  ['a number with a leading zero', '{"jsonrpc":"2.0","id":01,"method":"ping"}'],
  ['an object as id', '{"jsonrpc":"2.0","id":{},"method":"ping"}'],
  ['an object as method', '{"jsonrpc":"2.0","id":1,"method":{}}'],
  ['a request that is a response too', '{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}'],
  ['a batch in a revision without them', '[{"jsonrpc":"2.0","id":1,"method":"ping"}]'],
  ['a batch of nothing', '[]'],
] as const
