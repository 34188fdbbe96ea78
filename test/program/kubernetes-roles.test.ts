import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { startFakeKubernetes } from '../fakes/kubernetes/kubernetes.ts'
import { openTestDatabase } from '../support/database.ts'
import { compileImageProgram } from '../support/image-program.ts'
import { connectClient } from '../support/mcp-client.ts'
import { apiOf, startProgram, type Program } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { until } from '../support/until.ts'

// As docs/kubernetes.md has it: replicas that people and clients reach, and others that run servers in pods.

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

const stack = new AsyncDisposableStack()
afterAll(() => stack.disposeAsync())

test('what is deployed through replicas that run no servers runs in pods, sleeps, and wakes at a call', async () => {
  const image = stack.use(await compileImageProgram())
  const kubernetes = stack.use(await startFakeKubernetes(image.path))
  const database = stack.use(await openTestDatabase())
  const start = async (roles: string, masterKey: Readonly<Record<string, string>>): Promise<Program> =>
    stack.use(
      await startProgram({
        dataDir: stack.use(await temporaryDirectory()).path,
        flags: ['--roles', roles],
        env: {
          DATABASE_URL: database.url.reveal(),
          CATWALK_LOCAL_RUNTIME: 'false',
          CATWALK_KUBERNETES_RUNTIME: 'true',
          CATWALK_KUBERNETES_IMAGE: 'registry.example/catwalk/instance:1',
          CATWALK_KUBERNETES_KUBECONFIG: kubernetes.kubeconfig,
          ...masterKey,
        },
      }),
    )
  const front = await start('api,gateway', {})
  const masterKey = (await readFile(join(front.dataDir, 'master.key'), 'utf8')).trim()
  await start('reconciler', { CATWALK_MASTER_KEY: masterKey })
  const api = await apiOf(front)
  const { deployment, token } = await api.call('createDeployment', {
    body: { source: 'npm:@modelcontextprotocol/server-everything', network: 'internet' },
  })
  const params = { id: deployment.id }
  const echo = async (message: string): Promise<string> => {
    await using client = await connectClient(`${front.origin}/mcp/${deployment.slug}`, token.secret)
    return JSON.stringify(await client.callTool({ name: 'echo', arguments: { message } }))
  }
  await until('it answers', async () => echo('grüezi').catch(() => null), 120_000)
  expect(await echo('grüezi')).toContain('grüezi')
  expect(kubernetes.objects('pods')).toHaveLength(1)

  await api.call('changeSettings', { params, body: { idleTimeoutS: 1 } })
  await until('it sleeps', () => (kubernetes.objects('pods').length === 0 ? true : null), 60_000)
  await api.call('changeSettings', { params, body: { idleTimeoutS: 600 } })
  expect(await echo('awake')).toContain('awake')
  expect(kubernetes.objects('pods')).toHaveLength(1)

  const { items: checks } = await api.call('getDoctor', {})
  expect(JSON.stringify(checks)).toContain(`pods in the namespace ${kubernetes.namespace}`)
  await api.call('deleteDeployment', { params })
  await until('nothing runs', () => (kubernetes.objects('pods').length === 0 ? true : null), 60_000)
  expect(kubernetes.violations).toEqual([])
})
