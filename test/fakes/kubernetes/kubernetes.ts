import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { acceptChannels, serveAttachment } from './attach.ts'
import { createNodes, type Nodes } from './nodes.ts'
import { ownRole, type Attributes } from './roles.ts'
import { createStore, fits, type Stored } from './store.ts'
import { fieldsOf, listOf, objectProblem, type Json } from './validate.ts'

/** An API server of Kubernetes over TLS, whose pods are real processes of the image's program. */
export interface FakeKubernetes extends AsyncDisposable {
  readonly server: string
  readonly namespace: string
  readonly token: string
  /** Certificate of the authority, as PEM. */
  readonly authority: string
  /** Path of a kubeconfig for it. */
  readonly kubeconfig: string
  readonly nodes: Pick<Nodes, 'exhaust' | 'vanish' | 'missingImages' | 'images'>
  /** Objects of a resource, such as `pods`. */
  objects(resource: string): readonly Stored[]
  /** Requests so far, as `verb resource`. */
  readonly requests: string[]
  /** What was wrong with requests; a test expects nothing here. */
  readonly violations: string[]
  /** The next requests are answered with this status. */
  refuseNext(count: number, status: number): void
  /** As long as it is away, no connection lives. */
  setAway(away: boolean): void
  /** Breaks all connections to the streams of containers. */
  cutAttachments(): void
  /** What is spoken there, the best first. Default: what Kubernetes speaks since 1.30. */
  attachProtocols: readonly string[]
  /** Ends all streams of changes. */
  cutWatches(): void
  /** Forgets what has changed so far, so that streams cannot go on from there. */
  compact(): void
  /** A quota, or a policy of the cluster: no new pods, for this reason. */
  forbidPods(reason: string | null): void
  /** Takes a right away that the Role grants. */
  deny(denied: Attributes): void
  /** Somebody, such as who empties a node, deletes a pod. */
  evict(pod: string): void
}

interface Resource {
  readonly group: string
  readonly resource: string
  readonly kind: string
  readonly apiVersion: string
}

const RESOURCES: readonly Resource[] = [
  { group: 'apps', resource: 'deployments', kind: 'Deployment', apiVersion: 'apps/v1' },
  { group: '', resource: 'services', kind: 'Service', apiVersion: 'v1' },
  { group: '', resource: 'secrets', kind: 'Secret', apiVersion: 'v1' },
  { group: '', resource: 'persistentvolumeclaims', kind: 'PersistentVolumeClaim', apiVersion: 'v1' },
  { group: '', resource: 'pods', kind: 'Pod', apiVersion: 'v1' },
  {
    group: 'networking.k8s.io',
    resource: 'networkpolicies',
    kind: 'NetworkPolicy',
    apiVersion: 'networking.k8s.io/v1',
  },
]

const NAMESPACE = 'catwalk-servers'
const USER = 'system:serviceaccount:catwalk:catwalk'
const BOOKMARK_MS = 500
const MOST_SECRET = 1024 * 1024

interface Asked {
  readonly kind: Resource
  readonly name: string | null
  readonly verb: string
  readonly subresource: string | null
  readonly query: URLSearchParams
  readonly body: Json
}

/** A refusal of the API server. */
class Refusal extends Error {
  readonly code: number
  readonly reason: string

  constructor(code: number, reason: string, message: string) {
    super(message)
    this.code = code
    this.reason = reason
  }
}

/** @param program the compiled program of the image */
export async function startFakeKubernetes(program: string): Promise<FakeKubernetes> {
  const stack = new AsyncDisposableStack()
  const directory = stack.use(await temporaryDirectory())
  const isGranted = await ownRole()
  const store = createStore()
  const nodes = createNodes(store, program, directory.path)
  const identity = await makeCertificate(directory.path)
  const { certificate } = identity
  const token = randomBytes(24).toString('base64url')
  const requests: string[] = []
  const violations: string[] = []
  const denied: Attributes[] = []
  const watches = new Set<ServerResponse>()
  let refusal = { count: 0, status: 0 }
  let isAway = false

  const isAllowed = (wanted: Attributes): boolean =>
    isGranted(wanted) &&
    !denied.some(
      ({ group, resource, verb }) =>
        group === wanted.group && resource === wanted.resource && verb === wanted.verb,
    )

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = new URL(req.url ?? '/', 'https://kubernetes')
    const raw = await text(req)
    const send = (status: number, body: object): void =>
      void res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    try {
      if (refusal.count > 0) {
        refusal.count--
        throw new Refusal(refusal.status, 'ServerTimeout', 'the server is not ready right now')
      }
      if (req.headers.authorization !== `Bearer ${token}`)
        throw new Refusal(401, 'Unauthorized', 'Unauthorized')
      const body = fieldsOf(raw === '' ? {} : JSON.parse(raw))
      if (url.pathname === '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews')
        return send(201, review(body))
      const asked = read(url, req.method ?? '', body)
      authorize(asked)
      await perform(asked, res, send)
    } catch (error) {
      if (!(error instanceof Refusal)) violations.push(String(error))
      const { code, reason } = error instanceof Refusal ? error : { code: 500, reason: 'InternalError' }
      if (code === 400 || code === 422 || code === 403) violations.push(String(error))
      const message = error instanceof Error ? error.message : String(error)
      send(code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, reason, code })
    }
  }

  function review(body: Json): Json {
    const problem = objectProblem(body)
    if (problem !== null) throw new Refusal(422, 'Invalid', problem)
    const {
      group = '',
      resource,
      subresource,
      verb,
      namespace,
    } = fieldsOf(fieldsOf(body['spec'])['resourceAttributes'])
    const whole = typeof subresource === 'string' ? `${String(resource)}/${subresource}` : String(resource)
    const wanted = { group: String(group), resource: whole, verb: String(verb) }
    return { ...body, status: { allowed: namespace === NAMESPACE && isAllowed(wanted) } }
  }

  function read(url: URL, method: string, body: Json): Asked {
    const match =
      /^\/(?:api|apis\/([^/]+))\/v1\/namespaces\/([^/]+)\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(
        url.pathname,
      )
    const [, group = '', namespace, resource, name = null, subresource = null] = match ?? []
    const kind = RESOURCES.find((one) => one.group === group && one.resource === resource)
    if (kind === undefined || namespace !== NAMESPACE) {
      throw new Refusal(404, 'NotFound', 'the server could not find the requested resource')
    }
    const verbs: Readonly<Record<string, string>> = {
      GET: name !== null ? 'get' : url.searchParams.get('watch') === 'true' ? 'watch' : 'list',
      POST: 'create',
      PUT: 'update',
      DELETE: name === null ? 'deletecollection' : 'delete',
      PATCH: 'patch',
    }
    return { kind, name, subresource, verb: verbs[method] ?? method, query: url.searchParams, body }
  }

  function authorize({ kind: { group, resource }, subresource, verb }: Asked): void {
    const whole = subresource === null ? resource : `${resource}/${subresource}`
    requests.push(`${verb} ${whole}`)
    if (isAllowed({ group, resource: whole, verb })) return
    throw new Refusal(
      403,
      'Forbidden',
      `${whole} is forbidden: User "${USER}" cannot ${verb} resource "${whole}" in API group "${group}" in the namespace "${NAMESPACE}"`,
    )
  }

  async function perform(
    asked: Asked,
    res: ServerResponse,
    send: (status: number, body: object) => void,
  ): Promise<void> {
    const { kind, name, verb, query, subresource } = asked
    const { resource, apiVersion } = kind
    if (verb === 'list') {
      const items = store
        .list(resource)
        .filter((one) => fits(one.metadata.labels, query.get('labelSelector') ?? ''))
      const metadata = { resourceVersion: String(store.version) }
      return send(200, { apiVersion, kind: `${kind.kind}List`, metadata, items })
    }
    if (verb === 'watch') return watch(asked, res)
    if (verb === 'create') {
      const made = await create(asked)
      nodes.reconcile()
      return send(201, made)
    }
    const existing = store.get(resource, name ?? '')
    if (existing === null) throw new Refusal(404, 'NotFound', `${resource} "${name ?? ''}" not found`)
    if (subresource === 'log') {
      const lines = nodes.logOf(name ?? '').split('\n')
      return void res
        .writeHead(200, { 'content-type': 'text/plain' })
        .end(lines.slice(-Number(query.get('tailLines') ?? lines.length) - 1).join('\n'))
    }
    if (verb === 'get') return send(200, existing)
    if (verb === 'update') {
      const changed = update(asked, existing)
      nodes.reconcile()
      return send(200, changed)
    }
    if (verb === 'delete') {
      remove(asked, existing)
      nodes.reconcile()
      return send(200, { kind: 'Status', apiVersion: 'v1', status: 'Success' })
    }
    throw new Refusal(405, 'MethodNotAllowed', `${verb} is not in the fake`)
  }

  async function create(asked: Asked): Promise<Stored> {
    const { kind, body } = asked
    demandValid(asked)
    const name = String(fieldsOf(body['metadata'])['name'])
    if (store.get(kind.resource, name) !== null) {
      throw new Refusal(409, 'AlreadyExists', `${kind.resource} "${name}" already exists`)
    }
    let object: Json = { apiVersion: kind.apiVersion, kind: kind.kind, ...body }
    if (kind.resource === 'secrets') object = sealedSecret(object)
    if (kind.resource === 'services') {
      const clusterIP = await nodes.serve(name, object['spec'])
      object = { ...object, spec: { ...fieldsOf(object['spec']), clusterIP, clusterIPs: [clusterIP] } }
    }
    return store.add(kind.resource, object, name)
  }

  function update(asked: Asked, existing: Stored): Stored {
    const { kind, body, name } = asked
    demandValid(asked)
    const { resourceVersion, uid, labels, annotations, ownerReferences } = fieldsOf(body['metadata'])
    const isOther = uid !== undefined && uid !== existing.metadata.uid
    if ((resourceVersion !== undefined && resourceVersion !== existing.metadata.resourceVersion) || isOther) {
      throw new Refusal(
        409,
        'Conflict',
        `Operation cannot be fulfilled on ${kind.resource} "${name ?? ''}": the object has been modified; please apply your changes to the latest version and try again`,
      )
    }
    const spec = fieldsOf(body['spec'])
    const former = fieldsOf(existing['spec'])
    const immutable = kind.resource === 'deployments' ? ['selector'] : []
    if (kind.resource === 'persistentvolumeclaims') immutable.push(...Object.keys(former))
    for (const member of immutable) {
      if (JSON.stringify(sorted(spec[member])) !== JSON.stringify(sorted(former[member])))
        throw new Refusal(422, 'Invalid', `spec.${member}: Invalid value: field is immutable`)
    }
    const metadata = { labels, annotations, ownerReferences }
    const isNewSpec = JSON.stringify(sorted(spec)) !== JSON.stringify(sorted(former))
    const changed = store.change(
      kind.resource,
      name ?? '',
      { ...body, status: existing['status'], metadata },
      isNewSpec,
    )
    if (changed === null) throw new Refusal(404, 'NotFound', 'it went meanwhile')
    return changed
  }

  function remove({ kind: { resource }, query, body }: Asked, existing: Stored): void {
    const { name } = existing.metadata
    const { uid, resourceVersion } = fieldsOf(body['preconditions'])
    const differs =
      (uid !== undefined && uid !== existing.metadata.uid) ||
      (resourceVersion !== undefined && resourceVersion !== existing.metadata.resourceVersion)
    if (differs) throw new Refusal(409, 'Conflict', 'Precondition failed')
    const propagation = query.get('propagationPolicy') ?? body['propagationPolicy'] ?? 'Background'
    if (propagation !== 'Background')
      throw new Refusal(400, 'BadRequest', `${JSON.stringify(propagation)} is not in the fake`)
    if (resource === 'persistentvolumeclaims') {
      // Protected for as long as a pod uses it.
      store.change(resource, name, { metadata: { deletionTimestamp: new Date().toISOString() } })
      return
    }
    if (resource === 'services') nodes.unserve(name)
    store.remove(resource, name)
  }

  /** A stream of changes from a version on. */
  function watch({ kind: { resource, kind, apiVersion }, query }: Asked, res: ServerResponse): void {
    const selector = query.get('labelSelector') ?? ''
    const version = query.get('resourceVersion') ?? ''
    res.writeHead(200, { 'content-type': 'application/json' })
    const tell = (type: string, object: object): void =>
      void res.write(`${JSON.stringify({ type, object })}\n`)
    const missed = version === '' || version === '0' ? [] : store.since(Number(version))
    if (missed === null) {
      const message = `too old resource version: ${version}`
      tell('ERROR', {
        kind: 'Status',
        apiVersion: 'v1',
        status: 'Failure',
        reason: 'Expired',
        code: 410,
        message,
      })
      return void res.end()
    }
    const take = (event: (typeof missed)[number]): void => {
      if (event.resource === resource && fits(event.object.metadata.labels, selector))
        tell(event.type, event.object)
    }
    for (const event of missed) take(event)
    const listening = store.onChange(take)
    const bookmarks = setInterval(() => {
      if (query.get('allowWatchBookmarks') === 'true')
        tell('BOOKMARK', { kind, apiVersion, metadata: { resourceVersion: String(store.version) } })
    }, BOOKMARK_MS)
    const end = setTimeout(() => res.end(), Number(query.get('timeoutSeconds') ?? 300) * 1_000)
    watches.add(res)
    res.flushHeaders()
    res.once('close', () => {
      listening[Symbol.dispose]()
      clearInterval(bookmarks)
      clearTimeout(end)
      watches.delete(res)
    })
  }

  const api = createServer({ key: identity.key, cert: certificate }, (req, res) => {
    if (isAway) return void req.socket.destroy()
    answer(req, res).catch((error: unknown) => {
      violations.push(String(error))
      res.destroy()
    })
  })
  const attached = new Set<Duplex>()
  api.on('upgrade', (req: IncomingMessage, socket: Duplex) => {
    socket.on('error', () => undefined)
    if (isAway) return void socket.destroy()
    try {
      attach(req, socket)
    } catch (error) {
      const { code, reason } = error instanceof Refusal ? error : { code: 500, reason: 'InternalError' }
      if (code !== 401 && code !== 404 && code !== 503) violations.push(String(error))
      const body = JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, code })
      socket.end(
        `HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ''}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
      )
    }
  })

  /** https://kubernetes.io/docs/reference/access-authn-authz/rbac/ and KEP-4006 for what is spoken. */
  function attach(req: IncomingMessage, socket: Duplex): void {
    const url = new URL(req.url ?? '/', 'https://kubernetes')
    if (refusal.count > 0) {
      refusal.count--
      throw new Refusal(refusal.status, 'ServerTimeout', 'the server is not ready right now')
    }
    if (req.headers.authorization !== `Bearer ${token}`)
      throw new Refusal(401, 'Unauthorized', 'Unauthorized')
    const asked = read(url, 'GET', {})
    const { kind, name, subresource, query } = asked
    if (kind.resource !== 'pods' || subresource !== 'attach' || name === null)
      throw new Refusal(400, 'BadRequest', 'Upgrade request required for nothing but attach')
    authorize(asked)
    // Since 1.35 both rights are asked for, because attaching changes something.
    authorize({ ...asked, verb: 'create' })
    const pod = store.get('pods', name)
    if (pod === null) throw new Refusal(404, 'NotFound', `pods "${name}" not found`)
    const container = listOf(fieldsOf(pod['spec'])['containers']).find(
      (one) => one['name'] === query.get('container'),
    )
    if (container === undefined)
      throw new Refusal(
        400,
        'BadRequest',
        `container ${query.get('container') ?? ''} is not valid for pod ${name}`,
      )
    const streams = ['stdin', 'stdout', 'stderr', 'tty']
    if (streams.some((stream) => !['true', 'false', null].includes(query.get(stream))))
      throw new Refusal(400, 'BadRequest', 'streams are wanted or not')
    const channels = acceptChannels(req, socket, fake.attachProtocols, (what) => violations.push(what))
    attached.add(socket)
    socket.once('close', () => attached.delete(socket))
    serveAttachment(channels, {
      container: nodes.containerOf(name),
      wants: (stream) => query.get(stream) === 'true',
      closesInput: container['stdinOnce'] === true,
      hasInput: container['stdin'] === true,
      violated: (what) => violations.push(what),
    })
  }

  await once(api.listen(0, '127.0.0.1'), 'listening')
  // A server that listens on TCP has an address with a port.
  const server = `https://127.0.0.1:${(api.address() as AddressInfo).port}`
  const kubeconfig = join(directory.path, 'kubeconfig')
  await writeFile(kubeconfig, JSON.stringify(kubeconfigOf(server, certificate, token)))
  stack.defer(async () => {
    for (const socket of attached) socket.destroy()
    api.closeAllConnections()
    api.close()
    await once(api, 'close')
  })
  stack.use(nodes)
  const fake: FakeKubernetes = {
    server,
    namespace: NAMESPACE,
    token,
    authority: certificate,
    kubeconfig,
    nodes,
    requests,
    violations,
    objects: (resource) => store.list(resource),
    refuseNext(count, status) {
      refusal = { count, status }
    },
    setAway(away) {
      isAway = away
      if (!away) return
      api.closeAllConnections()
      fake.cutAttachments()
    },
    attachProtocols: ['v5.channel.k8s.io', 'v4.channel.k8s.io'],
    cutAttachments() {
      for (const socket of attached) socket.destroy()
    },
    cutWatches() {
      for (const stream of watches) stream.destroy()
    },
    compact: () => store.compact(),
    forbidPods(reason) {
      nodes.forbidden = reason
      if (reason === null) nodes.reconcile()
    },
    deny: (attributes) => void denied.push(attributes),
    evict: (pod) => nodes.evict(pod),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
  return fake
}

function kubeconfigOf(server: string, certificate: string, token: string): object {
  const authority = Buffer.from(certificate).toString('base64')
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'fake', cluster: { server, 'certificate-authority-data': authority } }],
    users: [{ name: 'catwalk', user: { token } }],
    contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'catwalk', namespace: NAMESPACE } }],
    'current-context': 'fake',
  }
}

/** Objects with their members in one order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([one], [other]) => one.localeCompare(other))
      .map(([name, member]) => [name, sorted(member)]),
  )
}

async function makeCertificate(
  directory: string,
): Promise<{ readonly key: string; readonly certificate: string }> {
  const key = join(directory, 'key.pem')
  const certificate = join(directory, 'certificate.pem')
  const args = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '2',
  ]
  const name = ['-subj', '/CN=kubernetes', '-addext', 'subjectAltName=IP:127.0.0.1']
  await promisify(execFile)('openssl', [...args, ...name, '-keyout', key, '-out', certificate])
  return { key: await readFile(key, 'utf8'), certificate: await readFile(certificate, 'utf8') }
}

function demandValid({ kind: { kind, apiVersion }, body }: Asked): void {
  const object = { apiVersion, kind, ...body }
  const problem = objectProblem(object)
  if (problem !== null) throw new Refusal(422, 'Invalid', problem)
}

function sealedSecret({ stringData, ...secret }: Json): Json {
  const data = Object.fromEntries(
    Object.entries(fieldsOf(stringData)).map(([key, value]) => [
      key,
      Buffer.from(String(value)).toString('base64'),
    ]),
  )
  const size = Object.values(data).reduce((sum, value) => sum + Buffer.from(value, 'base64').length, 0)
  if (size > MOST_SECRET) throw new Refusal(422, 'Invalid', 'data: Too long: must have at most 1048576 bytes')
  return { ...secret, data: { ...fieldsOf(secret['data']), ...data } }
}
