import { randomBytes } from 'node:crypto'
import { Secret } from '../../src/domain/index.ts'
import {
  createKubernetesRuntime,
  type KubernetesRuntimeOptions,
} from '../../src/runtimes/kubernetes/index.ts'
import type { RuntimeUnderTest } from '../contract/runtime.ts'
import { startFakeKubernetes, type FakeKubernetes } from '../fakes/kubernetes/kubernetes.ts'
import { startLocalRuntime } from '../runtimes/local-runtime.ts'
import { compileImageProgram } from '../support/image-program.ts'
import { silentLogger } from '../support/logger.ts'

export interface KubernetesRuntimeUnderTest extends RuntimeUnderTest {
  readonly kubernetes: FakeKubernetes
  readonly options: KubernetesRuntimeOptions
}

/** A Kubernetes runtime on a fake of an API server whose pods are processes of this machine. */
export async function startKubernetesRuntime(
  changes: Partial<KubernetesRuntimeOptions> = {},
): Promise<KubernetesRuntimeUnderTest> {
  const stack = new AsyncDisposableStack()
  const program = stack.use(await compileImageProgram())
  const kubernetes = stack.use(await startFakeKubernetes(program.path))
  const local = stack.use(await startLocalRuntime())
  const root = randomBytes(16).toString('hex')
  const { kubeconfig } = kubernetes
  const options: KubernetesRuntimeOptions = {
    cluster: { kubeconfig, context: null, namespace: null, patienceMs: 2_000, retryBaseMs: 20 },
    pods: {
      image: 'registry.example/catwalk/instance:1',
      volumeGiB: 1,
      storageClass: null,
      runtimeClass: null,
      pullSecret: null,
      callers: '127.0.0.0/8',
    },
    npm: local.options.npm,
    pypi: local.options.pypi,
    installation: 'test',
    secretOf: (name) => new Secret(`${root}/${name}`),
    installTimeoutMs: 120_000,
    startTimeoutMs: 120_000,
    logger: silentLogger,
    ...changes,
  }
  return {
    kubernetes,
    options,
    runtime: createKubernetesRuntime(options),
    packageOf: (name, executable) => local.packageOf(name, executable),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}
