import type { RuntimeKind } from '../../src/domain/index.ts'
import { makeBaseImage } from '../docker/base-image.ts'
import { startEngine } from '../docker/engine.ts'
import { FAKE_FLY_APP, startFakeFly } from '../fakes/fly.ts'
import { startFakeKubernetes } from '../fakes/kubernetes/kubernetes.ts'
import { compileImageProgram } from '../support/image-program.ts'
import { apiOf, type Program } from '../support/program.ts'
import { packageName } from './package-fixture.ts'
import { openBridges } from './through-bridge.ts'
import type { Fixture } from './vocabulary.ts'

/** What a runtime runs servers on. */
export interface Place {
  /** What the installation is started with to know of it. */
  readonly env: Readonly<Record<string, string>>
  /** Tells an installation what only one that runs can be told. */
  readonly furnish?: (program: Program) => Promise<void>
  /** What is deployed to get a fixture there. */
  readonly source: (fixture: Fixture) => string
  /** What was wrong with what was asked of it. */
  readonly violations?: readonly string[]
}

type Opening = (fixtures: readonly Fixture[], stack: AsyncDisposableStack) => Promise<Place>

const IMAGE = 'registry.example/catwalk/instance:1'
const fromRegistry = (fixture: Fixture): string => `npm:${packageName(fixture)}`

/** What is opened is closed with the stack. */
export const PLACES: Readonly<Record<RuntimeKind, Opening>> = {
  local: async () => ({ env: {}, source: fromRegistry }),

  async docker(_, stack) {
    const engine = stack.use(await startEngine(stack.use(await makeBaseImage()).file))
    const env = {
      CATWALK_DOCKER_RUNTIME: 'true',
      CATWALK_DOCKER_SOCKET: engine.socketPath,
      CATWALK_DOCKER_IMAGE: engine.image,
    }
    return { env, source: fromRegistry }
  },

  async fly(_, stack) {
    const fly = stack.use(await startFakeFly(stack.use(await compileImageProgram()).path))
    const env = {
      CATWALK_FLY_RUNTIME: 'true',
      CATWALK_FLY_IMAGE: IMAGE,
      CATWALK_FLY_REACH: 'private',
      CATWALK_FLY_API_URL: fly.apiUrl,
    }
    const values = { FLY_API_TOKEN: fly.token, FLY_APP: FAKE_FLY_APP }
    return {
      env,
      furnish: async (program) => {
        await (await apiOf(program)).call('changeWorkspaceSettings', { body: { values } })
      },
      source: fromRegistry,
      violations: fly.violations,
    }
  },

  async kubernetes(_, stack) {
    const kubernetes = stack.use(await startFakeKubernetes(stack.use(await compileImageProgram()).path))
    const env = {
      CATWALK_KUBERNETES_RUNTIME: 'true',
      CATWALK_KUBERNETES_IMAGE: IMAGE,
      CATWALK_KUBERNETES_KUBECONFIG: kubernetes.kubeconfig,
    }
    return { env, source: fromRegistry, violations: kubernetes.violations }
  },

  /** `bin/catwalk bridge` stands for somebody else's server that speaks Streamable HTTP. */
  async remote(fixtures, stack) {
    const bridges = stack.use(await openBridges(fixtures))
    const origins = fixtures.map((fixture) => new URL(bridges.url(fixture)).origin)
    return { env: { CATWALK_REMOTE_ORIGINS: origins.join(',') }, source: bridges.url }
  },
}
