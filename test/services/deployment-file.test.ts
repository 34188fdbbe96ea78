import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { anAnalysis, createFakeAnalyzer, type FakeAnalyzer } from '../fakes/analyzer.ts'
import { queries } from '../../src/db/index.ts'
import { CatwalkError, newId } from '../../src/domain/index.ts'
import * as services from '../../src/services/index.ts'
import { createWorld, type World } from '../reconciler/world.ts'
import { MANIFEST } from '../fakes/runtime.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { until } from '../support/until.ts'

let world: World
let analyzer: FakeAnalyzer
/** Another workspace, as another installation would be: it knows nothing of the first. */
let elsewhere: services.ServiceContext
let id: string

const VALUES = { API_KEY: 'sk-very-secret', BASE_URL: 'https://api.example' }
const PASSPHRASE = 'correct horse battery'

beforeAll(async () => {
  world = await createWorld()
  id = await world.deploy(VALUES)
  await services.changeSettings(world.ctx, {
    params: { id },
    body: { alwaysOn: true, idleTimeoutS: 120, stateful: true },
  })
  const workspaceId = newId('workspace')
  await world.ctx.db
    .insertInto('workspaces')
    .values({ id: workspaceId, name: 'Other', personal: false })
    .execute()
  analyzer = createFakeAnalyzer()
  elsewhere = { ...world.ctx, analyzer, actor: { ...world.ctx.actor, workspaceId } }
})
afterAll(() => world[Symbol.asyncDispose]())

type File = Awaited<ReturnType<typeof services.exportDeployment>>

const exported = () => services.exportDeployment(world.ctx, { params: { id } })
// Made once, because it is slow on purpose.
let sealed: Promise<File> | undefined
const withSecrets = () =>
  (sealed ??= services.exportWithSecrets(world.ctx, { params: { id }, body: { passphrase: PASSPHRASE } }))
const importing = (file: object, rest: object = {}) =>
  services.importDeployment(elsewhere, {
    // As it comes from a file.
    body: { file: JSON.parse(JSON.stringify(file)), values: {}, confirmWarnings: false, ...rest },
  })
const refusal = (file: object, rest: object = {}) => catwalkErrorOf(importing(file, rest))

async function valuesOf(deploymentId: string): Promise<Record<string, string>> {
  const release = await queries.newestRelease(world.ctx.db, deploymentId)
  const rows = await queries.credentialsOf(world.ctx.db, deploymentId, release.credential_versions)
  return Object.fromEntries(
    [...services.openCredentials(world.ctx.vault, rows)].map(([name, secret]) => [name, secret.reveal()]),
  )
}

describe('an export', () => {
  test('names what is needed and holds no value', async () => {
    const file = await exported()
    expect(file).toMatchObject({
      format: 'catwalk-deployment',
      version: 2,
      source: 'npm:some-mcp-server@1.0.0',
      run: { runtime: 'local', network: 'none' },
      settings: { alwaysOn: true, idleTimeoutS: 120, stateful: true },
      secrets: null,
    })
    expect(file.launch.values.map(({ name }) => name)).toEqual(['API_KEY', 'BASE_URL'])
    for (const value of Object.values(VALUES)) expect(JSON.stringify(file)).not.toContain(value)
  })

  test('with secrets shows none of them in clear, and is in the audit log', async () => {
    const text = JSON.stringify(await withSecrets())
    for (const value of Object.values(VALUES)) {
      expect(text).not.toContain(value)
      expect(text).not.toContain(Buffer.from(value).toString('base64').slice(0, 12))
    }
    const { items } = await services.listAudit(world.ctx, {
      query: { action: 'deployment.export_secrets', limit: 10 },
    })
    expect(items[0]).toMatchObject({ target: id, detail: { variables: ['API_KEY', 'BASE_URL'] } })
  })
})

describe('an import', () => {
  test('makes the deployment again, with values and settings, under another name where its own is taken', async () => {
    const file = await withSecrets()
    const { deployment, notes, token } = await importing(file, { passphrase: PASSPHRASE })
    expect(deployment).toMatchObject({ source: file.source, slug: `${file.slug}-2`, name: file.name })
    expect(notes.join(' ')).toContain(file.slug)
    expect(token.secret).toMatch(/^cwt_/)
    expect(await valuesOf(deployment.id)).toEqual(VALUES)
    const again = await services.exportDeployment(elsewhere, { params: { id: deployment.id } })
    const { exportedAt: _, slug: _slug, ...rest } = await exported()
    expect(again).toMatchObject(rest)
  })

  test('without the values names all that are missing, and takes them as they are given', async () => {
    const file = await exported()
    const refused = await refusal(file, { values: { API_KEY: 'new' } })
    expect(refused).toMatchObject({ code: 'missing_variable', details: { missing: ['BASE_URL'] } })
    const values = { API_KEY: 'new', BASE_URL: 'https://other.example' }
    const { deployment } = await importing(file, { values })
    expect(await valuesOf(deployment.id)).toEqual(values)
  })

  test('refuses a wrong passphrase, and values that were pointed at another package', async () => {
    const file = await withSecrets()
    expect(await refusal(file, { passphrase: 'another passphrase' })).toMatchObject({
      code: 'passphrase_wrong',
    })
    const launch = { ...file.launch, package: { ...file.launch.package, name: 'evil-mcp-server' } }
    expect(await refusal({ ...file, launch }, { passphrase: PASSPHRASE })).toMatchObject({
      code: 'passphrase_wrong',
    })
    const args = [...file.launch.args, '--send-to=elsewhere']
    expect(
      await refusal({ ...file, launch: { ...file.launch, args } }, { passphrase: PASSPHRASE }),
    ).toMatchObject({ code: 'passphrase_wrong' })
  })

  test('refuses a newer version and says so', async () => {
    expect(await refusal({ ...(await exported()), version: 3, more: true })).toMatchObject({
      code: 'deployment_file_newer',
    })
  })

  const bad: readonly (readonly [string, (file: File) => object])[] = [
    ['no file of ours', () => ({ mcpServers: {} })],
    ['a member that nobody knows', (file) => ({ ...file, more: 1 })],
    ['a version that is none', (file) => ({ ...file, version: '1' })],
    [
      'a key that would take all memory',
      (file) => ({
        ...file,
        secrets: {
          kdf: { name: 'scrypt', n: 2 ** 30, r: 8, p: 1, salt: 'AAAA' },
          cipher: 'aes-256-gcm',
          nonce: 'AAAA',
          data: 'AAAA',
        },
      }),
    ],
    [
      'the same value twice',
      (file) => ({
        ...file,
        launch: { ...file.launch, values: [...file.launch.values, ...file.launch.values] },
      }),
    ],
    [
      'a file name that leads elsewhere',
      (file) => ({
        ...file,
        launch: {
          ...file.launch,
          values: [{ name: 'K', description: null, secret: true, default: null, file: '../../etc/passwd' }],
        },
      }),
    ],
    [
      'an argument that ends in a value which is not there',
      (file) => ({ ...file, launch: { ...file.launch, userArgs: [{ prefix: '', value: 'arg:nothing' }] } }),
    ],
    [
      'contents that are not those of the index',
      (file) => ({
        ...file,
        launch: { ...file.launch, package: { ...file.launch.package, integrity: 'sha512-BBBB' } },
      }),
    ],
  ]
  test.each(bad)('refuses %s', async (_, change) => {
    expect(await refusal(change(await exported()), { values: VALUES })).toMatchObject({
      code: 'deployment_file_invalid',
    })
  })

  test('refuses variables that change what a program loads', async () => {
    const file = await exported()
    const values = [{ name: 'LD_PRELOAD', description: null, secret: false, default: null }]
    const launch = { ...file.launch, values }
    expect(await refusal({ ...file, launch }, { values: { LD_PRELOAD: '/x' } })).toMatchObject({
      code: 'invalid_variable',
    })
  })

  test('asks for a confirmation of a package to which the source does not lead', async () => {
    const file = await exported()
    const wrong = { ...file, source: 'npm:well-known-server@1.0.0' }
    const refused = await refusal(wrong, { values: VALUES })
    expect(refused).toMatchObject({
      code: 'unconfirmed_warnings',
      details: { warnings: [{ code: 'unproven_source' }] },
    })
    const { deployment } = await importing(wrong, { values: VALUES, confirmWarnings: true })
    // What it was really made from, not what the file claims.
    expect(deployment.source).toBe('npm:some-mcp-server@1.0.0')
  })

  test('asks for a confirmation of what the file opens to others', async () => {
    const file = await exported()
    const open = {
      ...file,
      run: { ...file.run, allowScripts: true },
      settings: { ...file.settings, access: 'public', allowedOrigins: ['https://page.example'] },
    }
    const { code, details } = await refusal(open, { values: VALUES })
    expect(code).toBe('unconfirmed_warnings')
    expect(JSON.stringify(details)).toMatch(/lets_everybody_in.*allows_web_pages.*runs_install_scripts/)
  })

  test('warns of the package as a deploy does', async () => {
    analyzer.onAnalyse = async () =>
      anAnalysis({ warnings: [{ code: 'look_alike', message: 'Its name is like that of another.' }] })
    const refused = await refusal(
      { ...(await exported()), source: 'npm:some-mcp-server@9.9.9' },
      { values: VALUES },
    )
    expect(refused.code).toBe('unconfirmed_warnings')
    expect(JSON.stringify(refused.details)).toContain('look_alike')
  })

  test('runs it where this installation can, and says so', async () => {
    analyzer = createFakeAnalyzer()
    elsewhere = { ...elsewhere, analyzer }
    const file = await exported()
    const { deployment, notes } = await importing(
      { ...file, run: { ...file.run, runtime: 'docker' } },
      { values: VALUES },
    )
    expect(deployment.runtime).toBe('local')
    expect(notes.join(' ')).toContain("no runtime 'docker' here")
  })
})

describe('what is set for tools', () => {
  const TOOLS = {
    pinning: 'strict' as const,
    items: [
      { tool: 'read', accepted: ['a'.repeat(64)] },
      { tool: 'write', disabled: true as const, name: 'put', annotations: { readOnlyHint: false } },
    ],
  }

  test('goes along, and what was accepted is approved once the release is live', async () => {
    const file = { ...(await exported()), tools: TOOLS }
    const unconfirmed = await refusal(file, { values: VALUES })
    expect(unconfirmed.code).toBe('unconfirmed_warnings')
    expect(JSON.stringify(unconfirmed.details)).toMatch(/describes_tools.*'write'.*accepts_tools.*'read'/)
    const { deployment } = await importing(file, { values: VALUES, confirmWarnings: true })
    const params = { id: deployment.id }
    await using node = await world.startNode()
    node.runtime.onProbe = async () => ({ ...MANIFEST, tools: [{ name: 'read' }, { name: 'write' }] })
    await until('it is live', async () => queries.liveRelease(world.ctx.db, deployment.id))
    const row = await queries.readTools(world.ctx.db, deployment.id)
    expect(row?.pinning).toBe('strict')
    expect(row?.settings).toEqual({
      write: { disabled: true, name: 'put', annotations: { readOnlyHint: false } },
    })
    expect(row?.live?.pins?.['read']).toHaveLength(2)
    expect(row?.live?.pins?.['read']).toContain('a'.repeat(64))
    expect((await services.exportDeployment(elsewhere, { params })).tools).toEqual(TOOLS)
  })

  test('what was accepted is not lost when the first release never comes up, and goes with an export of it', async () => {
    const file = { ...(await exported()), tools: TOOLS }
    const { deployment } = await importing(file, { values: VALUES, confirmWarnings: true })
    const params = { id: deployment.id }
    await using node = await world.startNode()
    node.runtime.onProbe = () => Promise.reject(new CatwalkError('server_refused', 'It says no.'))
    const failed = (number: number) =>
      until(`v${number} has failed`, async () => {
        const newest = await queries.newestRelease(world.ctx.db, deployment.id)
        return newest.number === number && newest.state === 'failed' ? true : null
      })
    const again = (API_KEY: string) =>
      services.createRelease(elsewhere, { params, body: { variables: { API_KEY } } })
    await failed(1)
    expect((await services.exportDeployment(elsewhere, { params })).tools).toEqual(TOOLS)
    await again('a second try')
    await failed(2)
    node.runtime.onProbe = async () => ({ ...MANIFEST, tools: [{ name: 'read' }] })
    await again('the right one')
    await until('it is live', async () => queries.liveRelease(world.ctx.db, deployment.id))
    const pins = async () => (await queries.readTools(world.ctx.db, deployment.id))?.live?.pins?.['read']
    expect(await pins()).toContain('a'.repeat(64))
    // From then on a release is approved with what it offers itself.
    await again('another one')
    await until('v4 is live', async () => {
      const live = await queries.liveRelease(world.ctx.db, deployment.id)
      return live?.number === 4 ? true : null
    })
    expect(await pins()).toHaveLength(1)
  })

  test('has to be confirmed where it names or describes a tool otherwise, or never stops one', async () => {
    const values = { values: VALUES }
    for (const item of [{ name: 'get' }, { title: 'Get' }, { annotations: { readOnlyHint: true } }]) {
      const file = {
        ...(await exported()),
        tools: { pinning: 'changed', items: [{ tool: 'read', ...item }] },
      }
      expect(JSON.stringify((await refusal(file, values)).details)).toContain('describes_tools')
    }
    const off = { ...(await exported()), tools: { pinning: 'off', items: [] } }
    expect(JSON.stringify((await refusal(off, values)).details)).toContain('stops_no_tools')
  })

  test('is refused where a tool is there twice', async () => {
    const items = [{ tool: 'read', disabled: true }, { tool: 'read' }]
    const file = { ...(await exported()), tools: { pinning: 'strict', items } }
    expect(await refusal(file, { values: VALUES })).toMatchObject({ code: 'deployment_file_invalid' })
  })

  test('a file of the first version, which says nothing of tools, is taken', async () => {
    const { tools: _, ...file } = await exported()
    const { deployment } = await importing({ ...file, version: 1 }, { values: VALUES })
    expect((await queries.readTools(world.ctx.db, deployment.id))?.settings).toEqual({})
  })
})
