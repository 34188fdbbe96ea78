import { expect, test } from 'vitest'
import { confinedEnvironment } from './environment.ts'

test('without a network there is nothing but the basics and what was declared', () => {
  const environment = confinedEnvironment(new Map([['KEY', 'value']]), {
    home: '/home/server',
    proxy: 'none',
  })
  expect([...environment.keys()].toSorted()).toEqual(['HOME', 'KEY', 'LANG', 'PATH', 'TMPDIR'])
})

test('a declared proxy does not replace the only way out', () => {
  const declared = new Map([['HTTPS_PROXY', 'http://10.0.0.1:3128']])
  const environment = confinedEnvironment(declared, { home: '/home/server', proxy: 'internet' })
  expect(environment.get('HTTPS_PROXY')).toBe('http://127.0.0.1:3128')
  expect(environment.get('NODE_USE_ENV_PROXY')).toBe('1')
  expect(environment.get('NO_PROXY')).toContain('127.0.0.1')
})

test('an installation uses the proxy for a registry on loopback too', () => {
  const environment = confinedEnvironment(new Map(), { home: '/tmp', proxy: 'registries' })
  expect(environment.get('NO_PROXY')).toBe('')
})
