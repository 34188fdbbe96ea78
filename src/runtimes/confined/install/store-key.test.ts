import { expect, test } from 'vitest'
import { storeKey } from './store-key.ts'

test('what makes an installation different makes its key different, and a key is a safe file name', () => {
  const parts = {
    name: '@scope/server',
    version: '1.2.3',
    lockFile: '{}',
    allowScripts: false,
    owner: '',
    platform: 'linux',
    architecture: 'x64',
    interpreter: 'node-24',
  }
  const key = storeKey(parts)
  expect(key).toMatch(/^scope-server-1\.2\.3-[0-9a-f]{32}$/)
  expect(storeKey({ ...parts })).toBe(key)
  const others = [
    { lockFile: '{ }' },
    { allowScripts: true },
    { owner: 'ws_1' },
    { platform: 'darwin' },
    { architecture: 'arm64' },
    { interpreter: 'node-26' },
    { version: '1.2.4' },
  ].map((change) => storeKey({ ...parts, ...change }))
  expect(new Set([key, ...others]).size).toBe(8)
})
