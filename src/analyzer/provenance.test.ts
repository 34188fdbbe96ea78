import { expect, test } from 'vitest'
import { leadsTo } from './index.ts'

test.each([
  ['https://github.com/owner/name', 'git+https://github.com/Owner/Name.git', true],
  ['https://github.com/owner/name', 'git@github.com:owner/name.git', true],
  ['https://github.com/owner/name', 'github:owner/name', true],
  ['https://github.com/owner/name', 'owner/name', true],
  ['https://github.com/owner/name', 'https://github.com/owner/name/tree/main/packages/x#readme', true],
  ['https://gitlab.com/a/b/c', 'git+ssh://git@gitlab.com/a/b/c.git', true],
  ['https://code.example.com/a/b.git', 'https://code.example.com/a/b', true],
  ['https://github.com/owner/name', 'https://github.com/owner/other', false],
  ['https://github.com/owner/name', 'https://github.com/evil/name', false],
  ['https://github.com/owner/name', 'https://gitlab.com/owner/name', false],
  ['https://github.com/owner/name', 'https://github.com.evil.example/owner/name', false],
  ['https://github.com/owner/name', 'https://evil.example/github.com/owner/name', false],
  ['https://github.com/owner/name', 'not an address at all', false],
  ['https://github.com/owner/name', null, false],
])('that %s is what %s names: %s', (url, declared, is) => {
  expect(leadsTo(declared, url)).toBe(is)
})
