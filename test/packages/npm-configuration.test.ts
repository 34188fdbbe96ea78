import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadNpmConfiguration } from '../../src/packages/index.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

test("registries, credentials and certificates of npm's files and variables are known to an installation", async () => {
  await using directory = await temporaryDirectory()
  const user = join(directory.path, 'npmrc')
  const bundle = join(directory.path, 'bundle.pem')
  const certificate = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'
  await writeFile(bundle, `${certificate}\n`)
  await writeFile(
    user,
    [
      `cafile=${bundle}`,
      '@work:registry=https://npm.work.example:8443/team/',
      '//npm.work.example:8443/team/:_authToken=${WORK_TOKEN}',
      '//npm.work.example:8443/team/:certfile=/home/me/secret.pem',
      'strict-ssl=false',
      'proxy=http://proxy.example:3128',
      'prefix=/home/me/.npm',
    ].join('\n'),
  )
  const configuration = await loadNpmConfiguration({
    npm_config_userconfig: user,
    npm_config_registry: 'http://127.0.0.1:4873/',
    WORK_TOKEN: 't0ken"${HOME}',
    NODE_EXTRA_CA_CERTS: bundle,
  })
  expect(configuration.origins).toEqual(['127.0.0.1:4873', 'npm.work.example:8443'])
  expect(configuration.certificates?.trim()).toBe(certificate)
  expect(configuration.extraCertificates?.trim()).toBe(certificate)
  expect(configuration.npmrc.trim().split('\n').toSorted()).toEqual([
    '//npm.work.example:8443/team/:_authToken = "t0ken\\"\\\\${HOME}"',
    '@work:registry = "https://npm.work.example:8443/team/"',
    'registry = "http://127.0.0.1:4873/"',
    'strict-ssl = "false"',
  ])

  // npm reads back what was written.
  const written = join(directory.path, 'written')
  await writeFile(written, configuration.npmrc)
  const { settings } = await loadNpmConfiguration({ npm_config_userconfig: written, HOME: '/home/me' })
  expect(settings['//npm.work.example:8443/team/:_authToken']).toBe('t0ken"${HOME}')
  expect(settings['strictSSL']).toBe(false)
})
