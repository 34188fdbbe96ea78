import { expect, test } from 'vitest'
import { needsInit } from './needs-init.ts'

const plain = {
  argv: ['/opt/catwalk/toolchain/bin/node', 'index.js'],
  argvIsPublic: true,
  environment: new Map([['KEY', 'value']]),
  files: [],
  dial: null,
}

test('a program without network, files and secret arguments starts without an init', () => {
  expect(needsInit(plain, false)).toBe(false)
})

test('whatever bubblewrap cannot do, or might take for something else, is left to the init', () => {
  const cases: readonly Partial<Parameters<typeof needsInit>[0]>[] = [
    { argvIsPublic: false },
    { files: [{ path: '/run/credentials/1-key.json', content: '{}' }] },
    { dial: async () => Promise.reject(new Error('nowhere')) },
    { environment: new Map([['KEY', 'x\0--bind\0/\0/']]) },
    { environment: new Map([['KEY\0--bind', '/']]) },
    { environment: new Map([['A=B', 'c']]) },
    { environment: new Map([['', 'c']]) },
    { argv: ['/opt/catwalk/toolchain/bin/node', 'a\0b'] },
  ]
  for (const change of cases) expect(needsInit({ ...plain, ...change }, false)).toBe(true)
  expect(needsInit(plain, true)).toBe(true)
})
