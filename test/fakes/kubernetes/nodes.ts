// The controllers and the one node of the fake: what becomes of Deployments, Services and claims.
import { createHash, randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { until } from '../../support/until.ts'
import {
  makeVolumes,
  missingSecret,
  runContainer,
  type Container,
  type FakeImage,
  type KubeletInput,
  type Volumes,
} from './kubelet.ts'
import type { Store, Stored } from './store.ts'
import { fieldsOf, listOf, restrictedProblems, type Json } from './validate.ts'

interface RunningPod {
  readonly address: string
  readonly over: AbortController
  container: Container | null
  /** What the container had printed that ran before. */
  formerLog: string
  done: Promise<void>
}

export interface Nodes extends AsyncDisposable {
  /** Looks at everything once more; called after each change that somebody made. */
  reconcile(): void
  /** An address for a Service, behind which its pods answer. */
  serve(name: string, spec: unknown): Promise<string>
  unserve(name: string): void
  logOf(pod: string): string
  /** What runs in a pod now; null when nothing does. */
  containerOf(pod: string): Container | null
  /** Images besides ours, by what they are asked for. */
  readonly images: Map<string, FakeImage>
  /** The pod's processes are killed, as the kernel does when its memory is used up. */
  exhaust(pod: string): void
  /** The pod and its node are gone without a word. */
  vanish(pod: string): void
  /** Somebody deletes the pod; its Deployment makes another one. */
  evict(pod: string): void
  /** No image of this name can be pulled. */
  readonly missingImages: Set<string>
  /** Not null: what forbids new pods, as a quota does. */
  forbidden: string | null
}

const RESTART_MS = 200
const POLL_MS = 50

/** @param program the compiled program of the image */
export function createNodes(store: Store, program: string, directory: string): Nodes {
  const pods = new Map<string, RunningPod>()
  const proxies = new Map<string, Server>()
  // Addresses of loopback, and other ones in other tests.
  const net = `127.${64 + randomInt(128)}.${randomInt(256)}`
  let addresses = 1
  const claims = join(directory, 'claims')

  const podsOf = (uid: string): readonly Stored[] =>
    store
      .list('pods')
      .filter(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.uid === uid) === true)

  function setStatus(name: string, change: Json): void {
    const pod = store.get('pods', name)
    if (pod !== null) store.change('pods', name, { status: { ...fieldsOf(pod['status']), ...change } })
  }

  /** What a kubelet does with a pod, until it is gone. */
  async function runPod(name: string, running: RunningPod): Promise<void> {
    const { signal } = running.over
    const spec = fieldsOf(store.get('pods', name)?.['spec'])
    const [told] = listOf(spec['initContainers'])
    const [server] = listOf(spec['containers'])
    if (server === undefined) throw new Error('a pod of ours has a container')
    const reference = String(server['image'])
    const secretOf: KubeletInput['secretOf'] = (secret) => {
      const found = store.get('secrets', secret)
      if (found === null) return null
      return new Map(
        Object.entries(fieldsOf(found['data'])).map(([key, value]) => [
          key,
          Buffer.from(String(value), 'base64'),
        ]),
      )
    }
    const input = {
      program,
      spec,
      directory: join(directory, 'pods', name),
      claims,
      secretOf,
      address: running.address,
      image: nodes.images.get(reference) ?? null,
    }
    const isMissing = (): boolean =>
      nodes.missingImages.has(reference) || (reference.includes('@') && !nodes.images.has(reference))
    const waiting = (reason: string, message = ''): void =>
      setStatus(name, {
        phase: 'Pending',
        containerStatuses: [containerStatus('server', { waiting: { reason, message } })],
      })
    waiting('ContainerCreating')
    while (!signal.aborted && isMissing()) {
      waiting('ErrImagePull', 'not found')
      await delay(RESTART_MS)
      waiting('ImagePullBackOff', `Back-off pulling image "${reference}": not found`)
      await delay(POLL_MS)
    }
    let volumes: Volumes | null = null
    while (!signal.aborted && (volumes = await makeVolumes(input)) === null) await delay(POLL_MS)
    if (signal.aborted || volumes === null) return
    if (told !== undefined) {
      const first = await runContainer(input, told, volumes)
      const [code] = (await once(first.child, 'exit')) as [number | null]
      if (code !== 0) throw new Error(`the init container ended with ${code}: ${first.log()}`)
    }
    let restarts = 0
    let lastState: Json = {}
    while (!signal.aborted) {
      const missing = missingSecret(input, server)
      if (missing !== null) {
        const state = { waiting: { reason: 'CreateContainerConfigError', message: missing } }
        setStatus(name, {
          containerStatuses: [containerStatus('server', state, { restartCount: restarts, lastState })],
        })
        await delay(POLL_MS)
        continue
      }
      const container = await runContainer(input, server, volumes)
      running.container = container
      if (signal.aborted) container.child.kill('SIGKILL')
      const startedAt = new Date().toISOString()
      const more = { restartCount: restarts, lastState }
      setStatus(name, {
        phase: 'Running',
        podIP: running.address,
        containerStatuses: [containerStatus('server', { running: { startedAt } }, more)],
      })
      const exited = once(container.child, 'exit') as Promise<[number | null, string | null]>
      const probed = new AbortController()
      void untilReady(running.address, server, AbortSignal.any([signal, probed.signal])).then(
        () =>
          setStatus(name, {
            containerStatuses: [
              containerStatus('server', { running: { startedAt } }, { ...more, ready: true }),
            ],
          }),
        () => undefined,
      )
      const [exitCode, ended] = await exited
      probed.abort()
      running.formerLog = container.log()
      running.container = null
      const isExhausted = exhausted.delete(name)
      lastState = {
        terminated: {
          exitCode: exitCode ?? (ended === 'SIGKILL' ? 137 : 143),
          reason: isExhausted ? 'OOMKilled' : exitCode === 0 ? 'Completed' : 'Error',
        },
      }
      if (signal.aborted) {
        setStatus(name, {
          containerStatuses: [containerStatus('server', lastState, { restartCount: restarts })],
        })
        return
      }
      restarts++
      const state = {
        waiting: { reason: 'CrashLoopBackOff', message: 'back-off restarting failed container' },
      }
      setStatus(name, {
        containerStatuses: [containerStatus('server', state, { restartCount: restarts, lastState })],
      })
      await delay(RESTART_MS * 2 ** restarts, undefined, { signal }).catch(() => undefined)
    }
  }

  const exhausted = new Set<string>()
  const removing = new Set<string>()

  function startPod(deployment: Stored, template: Json, hash: string): void {
    const problems = restrictedProblems(fieldsOf(template['spec']))
    const failure =
      nodes.forbidden ??
      (problems.length > 0 ? `violates PodSecurity "restricted:latest": ${problems.join(', ')}` : null)
    if (failure !== null) {
      setReplicaFailure(deployment, `pods "${deployment.metadata.name}" is forbidden: ${failure}`)
      return
    }
    const name = `${deployment.metadata.name}-${hash}-${randomBytes(3).toString('hex')}`
    const { labels } = fieldsOf(template['metadata'])
    const metadata = {
      labels: { ...fieldsOf(labels), 'pod-template-hash': hash },
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: hash, uid: deployment.metadata.uid },
      ],
    }
    store.add('pods', { apiVersion: 'v1', kind: 'Pod', metadata, spec: template['spec'] }, name)
    const running: RunningPod = {
      address: `${net}.${addresses++}`,
      over: new AbortController(),
      container: null,
      formerLog: '',
      done: Promise.resolve(),
    }
    pods.set(name, running)
    running.done = runPod(name, running).catch((error: unknown) => {
      if (!running.over.signal.aborted) process.stderr.write(`a pod of the fake failed: ${String(error)}\n`)
    })
  }

  function setReplicaFailure({ metadata, status }: Stored, message: string): void {
    const conditions = [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message }]
    if (JSON.stringify(fieldsOf(status)['conditions']) === JSON.stringify(conditions)) return
    store.change('deployments', metadata.name, { status: { ...fieldsOf(status), conditions } })
  }

  async function endPod(pod: Stored): Promise<void> {
    const { name, deletionTimestamp } = pod.metadata
    if (deletionTimestamp !== undefined) return
    store.change('pods', name, { metadata: { deletionTimestamp: new Date().toISOString() } })
    const running = pods.get(name)
    running?.over.abort()
    running?.container?.terminate()
    const graceS = Number(fieldsOf(pod['spec'])['terminationGracePeriodSeconds'] ?? 30)
    const late = setTimeout(() => running?.container?.child.kill('SIGKILL'), graceS * 1_000)
    await running?.done
    clearTimeout(late)
    forget(name)
  }

  function forget(name: string): void {
    pods.delete(name)
    store.remove('pods', name)
    void rm(join(directory, 'pods', name), { recursive: true, force: true })
    nodes.reconcile()
  }

  async function removeClaim(name: string): Promise<void> {
    await rm(join(claims, name), { recursive: true, force: true })
    removing.delete(name)
    store.remove('persistentvolumeclaims', name)
  }

  function reconcileDeployment(deployment: Stored): void {
    const { name, uid, generation } = deployment.metadata
    const spec = fieldsOf(deployment['spec'])
    const template = fieldsOf(spec['template'])
    const hash = createHash('sha256').update(JSON.stringify(template)).digest('hex').slice(0, 10)
    const own = podsOf(uid)
    const current = own.filter(({ metadata }) => metadata.labels?.['pod-template-hash'] === hash)
    const wanted = Number(spec['replicas'] ?? 1)
    for (const pod of own) if (wanted === 0 || !current.includes(pod)) void endPod(pod)
    const living = own.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    // Recreate: nothing new before the last of the old is gone. A pod on its way out is not counted by its ReplicaSet.
    const isFree =
      fieldsOf(spec['strategy'])['type'] !== 'Recreate' || own.every((pod) => current.includes(pod))
    if (living.length < wanted && isFree) startPod(deployment, template, hash)
    const status = fieldsOf(store.get('deployments', name)?.['status'])
    if (status['observedGeneration'] === generation && status['replicas'] === living.length) return
    store.change('deployments', name, {
      status: { ...status, observedGeneration: generation, replicas: living.length },
    })
  }

  const nodes: Nodes = {
    missingImages: new Set(),
    images: new Map(),
    forbidden: null,
    reconcile() {
      for (const deployment of store.list('deployments')) reconcileDeployment(deployment)
      const owners = new Set(store.list('deployments').map(({ metadata }) => metadata.uid))
      for (const pod of store.list('pods')) {
        if (pod.metadata.ownerReferences?.every(({ uid }) => owners.has(uid)) !== true) void endPod(pod)
      }
      for (const resource of ['deployments', 'secrets', 'services', 'networkpolicies']) {
        for (const { metadata } of store.list(resource)) {
          if (metadata.ownerReferences?.some(({ uid }) => owners.has(uid)) !== false) continue
          store.remove(resource, metadata.name)
          if (resource === 'services') nodes.unserve(metadata.name)
        }
      }
      for (const claim of store.list('persistentvolumeclaims')) {
        const { name, deletionTimestamp } = claim.metadata
        const isUsed = store
          .list('pods')
          .some(({ spec }) =>
            listOf(fieldsOf(spec)['volumes']).some(
              (volume) => fieldsOf(volume['persistentVolumeClaim'])['claimName'] === name,
            ),
          )
        if (deletionTimestamp === undefined || isUsed || removing.has(name)) continue
        removing.add(name)
        void removeClaim(name)
      }
    },
    async serve(name, spec) {
      const address = `${net}.${addresses++}`
      const port = Number(listOf(fieldsOf(spec)['ports'])[0]?.['port'])
      const proxy = createServer((socket) => {
        const { selector } = fieldsOf(store.get('services', name)?.['spec'])
        const target = store
          .list('pods')
          .find(({ metadata }) =>
            Object.entries(fieldsOf(selector)).every(([label, value]) => metadata.labels?.[label] === value),
          )
        const running = target === undefined ? undefined : pods.get(target.metadata.name)
        if (running === undefined) return void socket.destroy()
        const inner = connect(port, running.address)
        for (const [one, other] of [
          [socket, inner],
          [inner, socket],
        ] as const) {
          one.on('error', () => other.destroy())
          one.on('close', () => other.destroy())
          one.pipe(other)
        }
      })
      await once(proxy.listen(port, address), 'listening')
      proxies.set(name, proxy)
      return address
    },
    unserve(name) {
      proxies.get(name)?.close()
      proxies.delete(name)
    },
    containerOf: (name) => pods.get(name)?.container ?? null,
    logOf(name) {
      const running = pods.get(name)
      return (running?.formerLog ?? '') + (running?.container?.log() ?? '')
    },
    exhaust(name) {
      exhausted.add(name)
      pods.get(name)?.container?.child.kill('SIGKILL')
    },
    vanish(name) {
      const running = pods.get(name)
      running?.over.abort()
      running?.container?.child.kill('SIGKILL')
      forget(name)
    },
    evict(name) {
      const pod = store.get('pods', name)
      if (pod !== null) void endPod(pod)
    },
    async [Symbol.asyncDispose]() {
      nodes.forbidden = 'the cluster is being taken down'
      for (const { metadata } of store.list('deployments')) store.remove('deployments', metadata.name)
      for (const running of pods.values()) running.container?.child.kill('SIGKILL')
      nodes.reconcile()
      await until('no pod is left', () => (pods.size === 0 ? true : null))
      for (const name of proxies.keys()) nodes.unserve(name)
    },
  }
  return nodes
}

function containerStatus(name: string, state: Json, more: Json = {}): Json {
  return { name, image: '', imageID: '', ready: false, restartCount: 0, state, ...more }
}

/** By the container's own probe. */
async function untilReady(address: string, container: Json, signal: AbortSignal): Promise<void> {
  const { httpGet, tcpSocket } = fieldsOf(container['readinessProbe'])
  if (httpGet === undefined && tcpSocket === undefined) return
  const { port, path } = fieldsOf(httpGet ?? tcpSocket)
  for (;;) {
    signal.throwIfAborted()
    const isGood =
      httpGet === undefined
        ? await listens(address, Number(port))
        : await fetch(`http://${address}:${String(port)}${String(path)}`, { signal }).then(
            ({ status }) => status === 200,
            () => false,
          )
    if (isGood) return
    await delay(POLL_MS, undefined, { signal })
  }
}

async function listens(address: string, port: number): Promise<boolean> {
  const socket = connect(port, address)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
