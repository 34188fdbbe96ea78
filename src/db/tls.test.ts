import { expect, test } from 'vitest'
import { tlsOptions } from './tls.ts'

const none = { rootCert: null, cert: null, key: null }
const root = { ...none, rootCert: 'ROOT' }

test.each(['allow', 'prefer', 'require'] as const)(
  '%s without a root certificate takes any certificate',
  (mode) => {
    expect(tlsOptions(mode, none)).toEqual({ rejectUnauthorized: false })
  },
)

test('require with a root certificate verifies it, but not the name', () => {
  const options = tlsOptions('require', root)
  expect(options).toMatchObject({ rejectUnauthorized: true, ca: 'ROOT' })
  expect(options.checkServerIdentity).toBeTypeOf('function')
})

test('verify-ca verifies the certificate, but not the name', () => {
  const options = tlsOptions('verify-ca', root)
  expect(options).toMatchObject({ rejectUnauthorized: true, ca: 'ROOT' })
  expect(options.checkServerIdentity).toBeTypeOf('function')
})

test('verify-ca without a root certificate is refused: anyone can have one from a public authority', () => {
  expect(() => tlsOptions('verify-ca', none)).toThrow(/sslrootcert/)
})

test('verify-full verifies certificate and name, with public authorities unless others are named', () => {
  expect(tlsOptions('verify-full', root)).toEqual({ rejectUnauthorized: true, ca: 'ROOT' })
  expect(tlsOptions('verify-full', none)).toEqual({ rejectUnauthorized: true })
})

test('a client certificate is presented in every mode', () => {
  expect(tlsOptions('require', { ...none, cert: 'CERT', key: 'KEY' })).toMatchObject({
    cert: 'CERT',
    key: 'KEY',
  })
})
