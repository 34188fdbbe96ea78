import { expect, test } from 'vitest'
import { recognise } from './recognise.ts'

test.each([
  ['', { kind: 'empty' }],
  ['  ', { kind: 'empty' }],
  ['npm:@scope/name', { kind: 'npm', version: null }],
  [' npm:name@1.2.3 ', { kind: 'npm', version: '1.2.3' }],
  ['npm:name@', { kind: 'unknown' }],
  ['npm:@evil/pkg; curl x', { kind: 'unknown' }],
  ['npm:', { kind: 'unknown' }],
  ['@scope/name', { kind: 'meant', source: 'npm:@scope/name' }],
  ['name@latest', { kind: 'meant', source: 'npm:name@latest' }],
  ['npx -y @scope/name@1', { kind: 'meant', source: 'npm:@scope/name@1' }],
  ['npx -y @scope/name@1 --flag', { kind: 'snippet', what: 'A command line.' }],
  ['TOKEN=abc uvx name', { kind: 'snippet', what: 'A command line.' }],
  ['claude mcp add name -- npx -y name', { kind: 'snippet', what: 'A command line.' }],
  ['https://www.npmjs.com/package/@scope/name', { kind: 'meant', source: 'npm:@scope/name' }],
  ['github.com/owner/repo', { kind: 'link' }],
  ['owner/repo', { kind: 'link' }],
  ['git@github.com:owner/repo.git', { kind: 'link' }],
  ['pypi:name', { kind: 'link' }],
  ['oci:image', { kind: 'later', what: 'Sources of this kind' }],
  ['{"mcpServers": {}}', { kind: 'snippet', what: 'A configuration.' }],
  ['"notes": { "command": "npx" }', { kind: 'snippet', what: 'A configuration.' }],
  ['two words', { kind: 'unknown' }],
])('%j', (text, recognised) => expect(recognise(text)).toEqual(recognised))
