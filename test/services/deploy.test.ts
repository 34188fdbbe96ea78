import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { anAnalysis, createFakeAnalyzer } from '../fakes/analyzer.ts'
import { schemas } from '../../src/contract/index.ts'
import {
  CatwalkError,
  systemClock,
  type Analysis,
  type LaunchSpec,
  type RuntimeOffer,
} from '../../src/domain/index.ts'
import * as services from '../../src/services/index.ts'
import { createWorld, type World } from '../reconciler/world.ts'

let world: World
let number = 0

beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world[Symbol.asyncDispose]())

const variable = (name: string, changes: Partial<Analysis['env'][number]> = {}): Analysis['env'][number] => ({
  name,
  required: true,
  secret: true,
  default: null,
  description: null,
  format: 'text',
  choices: [],
  helpUrl: null,
  confidence: 0.9,
  evidence: [],
  ...changes,
})
const argument = (
  name: string,
  changes: Partial<Analysis['arguments'][number]> = {},
): Analysis['arguments'][number] => ({
  name,
  position: null,
  required: false,
  secret: false,
  example: null,
  description: null,
  evidence: [],
  ...changes,
})

async function admitNobody(workspaceId: string): Promise<void> {
  throw new CatwalkError('runtime_unavailable', `${workspaceId} has no account there.`)
}

/** Analyses a source that is as the test wants it, and deploys it. */
async function deploy(
  found: Partial<Analysis>,
  wish: object = {},
  offered = world.ctx.installation.runtimes,
): Promise<{ spec: LaunchSpec; stored: string[] }> {
  const analyzer = createFakeAnalyzer()
  analyzer.onAnalyse = async () => anAnalysis(found)
  const analyses = services.createAnalysisRuns({
    timeoutMs: 5000,
    now: () => systemClock.now(),
    signal: new AbortController().signal,
  })
  const installation = { ...world.ctx.installation, runtimes: offered }
  const ctx = { ...world.ctx, analyzer, analyses, installation }
  number += 1
  const analysis = await services.createAnalysis(ctx, {
    body: schemas.CreateAnalysis.parse({ source: `npm:thing-${number}` }),
  })
  const body = schemas.CreateDeployment.parse({ analysisId: analysis.id, ...wish })
  const { deployment } = await services.createDeployment(ctx, { body })
  const { launch_spec: spec } = await world.ctx.db
    .selectFrom('releases')
    .select('launch_spec')
    .where('id', '=', deployment.release.id)
    .executeTakeFirstOrThrow()
  const rows = await world.ctx.db
    .selectFrom('credentials')
    .select('name')
    .where('deployment_id', '=', deployment.id)
    .execute()
  return { spec, stored: rows.map(({ name }) => name).toSorted() }
}

describe('before anything starts', () => {
  test('all that is missing is named at once', async () => {
    const found = {
      env: [variable('A'), variable('B'), variable('C', { required: false }), variable('K')],
      requiredOneOf: [[['K'], ['U', 'P']]],
      arguments: [argument('folder', { position: 0, required: true })],
    }
    await expect(deploy(found, { variables: { B: 'x' } })).rejects.toMatchObject({
      code: 'missing_variable',
      details: { missing: ['A', 'folder', 'K, or U and P'] },
    })
    const given = { variables: { A: 'x', B: 'x', U: 'x', P: 'x' }, args: ['/data'] }
    expect((await deploy(found, given)).stored).toEqual(['A', 'B', 'P', 'U'])
    expect((await deploy(found, { allowMissing: true })).stored).toEqual([])
  })

  test.each([
    ['an address that is none', variable('A', { format: 'url' }), 'example'],
    ['a number that is none', variable('A', { format: 'number' }), 'many'],
    ['a choice that is not there', variable('A', { choices: ['eu', 'us'] }), 'de'],
    ['a variable of the platform', variable('PATH'), '/bin'],
  ])('%s is refused without showing it', async (_, declared, value) => {
    const refused = deploy({ env: [declared] }, { variables: { [declared.name]: value } })
    await expect(refused).rejects.toMatchObject({ code: 'invalid_variable' })
    await expect(refused).rejects.toThrow(expect.not.stringContaining(value))
  })

  test('what the workspace has not given to a runtime is said, and nothing is stored: deployed there or moved there', async () => {
    const [local] = world.ctx.installation.runtimes
    if (local === undefined) throw new Error('there is a runtime')
    const fly: RuntimeOffer = { ...local, kind: 'fly', admit: admitNobody }
    const stored = async (): Promise<number> =>
      (await world.ctx.db.selectFrom('releases').select('id').execute()).length
    const refusal = {
      code: 'runtime_unavailable',
      message: `${world.ctx.actor.workspaceId} has no account there.`,
    }
    const before = await stored()
    await expect(deploy({}, { runtime: 'fly' }, [local, fly])).rejects.toMatchObject(refusal)
    await expect(deploy({}, {}, [fly])).rejects.toMatchObject(refusal)
    expect(await stored()).toBe(before)

    await deploy({}, { slug: 'stays' }, [local, fly])
    const installation = { ...world.ctx.installation, runtimes: [local, fly] }
    const body = schemas.CreateRelease.parse({ runtime: 'fly' })
    const moved = services.createRelease({ ...world.ctx, installation }, { params: { id: 'stays' }, body })
    await expect(moved).rejects.toMatchObject(refusal)
    expect(await stored()).toBe(before + 1)
  })

  test('a warning that asks for a yes gets one, others do not need it', async () => {
    const warnings = [
      { code: 'provenance_mismatch', message: 'It names another repository.' },
      { code: 'recently_published', message: 'It is young.' },
    ]
    await expect(deploy({ warnings })).rejects.toMatchObject({
      code: 'unconfirmed_warnings',
      details: { warnings: [{ code: 'provenance_mismatch' }] },
    })
    await deploy({ warnings }, { confirmWarnings: true })
    await deploy({ warnings: warnings.slice(1) })
  })

  test('what is no server, or cannot be started, is refused with the reason', async () => {
    const reason = 'It is a library.'
    await expect(deploy({ verdict: 'not_a_server', reason })).rejects.toMatchObject({
      code: 'not_a_server',
      message: reason,
    })
    await expect(
      deploy({ verdict: 'not_a_server', reason, launch: null }, { confirmWarnings: true }),
    ).rejects.toMatchObject({ code: 'not_a_server' })
    await expect(deploy({ verdict: 'unsupported', reason })).rejects.toMatchObject({
      code: 'source_not_deployable',
    })
    await deploy({ verdict: 'not_a_server', reason }, { confirmWarnings: true })
  })

  test('neither or both of source and analysis are refused', async () => {
    await expect(deploy({}, { source: 'npm:other' })).rejects.toMatchObject({ code: 'invalid_request' })
    const body = schemas.CreateDeployment.parse({})
    await expect(services.createDeployment(world.ctx, { body })).rejects.toMatchObject({
      code: 'invalid_request',
    })
  })
})

describe('what is stored', () => {
  test('starts with what the analysis starts it with, then named and verbatim arguments', async () => {
    const { spec, stored } = await deploy(
      {
        launch: {
          package: { registry: 'npm', name: 'thing', version: '1.0.0' },
          command: 'thing',
          args: ['stdio'],
          transport: 'stdio',
        },
        arguments: [
          argument('--token', { secret: true }),
          argument('folder', { position: 0 }),
          argument('--key', { secret: true }),
        ],
      },
      { arguments: { folder: '/data', '--token': 't1' }, args: ['--verbose', '--key=k1', '--key'] },
    )
    expect(spec.args).toEqual(['stdio'])
    expect(spec.userArgs).toEqual([
      '--token',
      { prefix: '', credential: 'arg:--token' },
      { prefix: '', credential: 'arg:folder' },
      '--verbose',
      { prefix: '--key=', credential: 'arg:--key' },
      '--key',
    ])
    expect(stored).toEqual(['arg:--key', 'arg:--token', 'arg:folder'])
    expect(JSON.stringify(spec)).not.toMatch(/t1|k1/)
  })

  test('a file is given as the path of a private copy', async () => {
    const { spec } = await deploy(
      { env: [variable('GOOGLE_CREDENTIALS', { format: 'file' })] },
      { files: { GOOGLE_CREDENTIALS: '{"type":"service_account"}' } },
    )
    expect(spec.variables).toMatchObject([{ name: 'GOOGLE_CREDENTIALS', file: 'google_credentials.json' }])
  })

  test('what it starts with and the executable can be edited', async () => {
    const { spec } = await deploy({}, { startArgs: ['serve'], executable: 'other' })
    expect(spec.args).toEqual(['serve'])
    expect(spec.package).toMatchObject({ executable: 'other' })
  })
})
