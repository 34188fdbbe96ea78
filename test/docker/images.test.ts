import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { runCatwalk } from '../program/run-catwalk.ts'
import { startProgram, type Program } from '../support/program.ts'
import { until } from '../support/until.ts'
import { startEngine, type Engine } from './engine.ts'
import { startImageRegistry, type ImageRegistry } from './image-registry.ts'

// A server of the image's own Python: nothing of Catwalk could run in an image that has no Node.
const ANSWERS = `
import json, os, sys
def connects(host, port):
    import socket
    try:
        socket.create_connection((host, port), 2).close()
        return 'connected'
    except OSError as error:
        return type(error).__name__
def where():
    return json.dumps({
        'token': os.environ.get('API_TOKEN'), 'uid': os.getuid(), 'cwd': os.getcwd(), 'home': os.environ.get('HOME'),
        'path': os.environ.get('PATH'), 'args': sys.argv[1:], 'proxy': os.environ.get('HTTPS_PROXY'),
        'key': open(os.environ['KEY_FILE']).read() if 'KEY_FILE' in os.environ else None,
        'writes': [place for place in ('/app', '/tmp', os.environ['HOME']) if os.access(place, os.W_OK)],
        'interfaces': sorted(os.listdir('/sys/class/net')), 'proxied': connects('127.0.0.1', 3128),
        'metadata': connects('169.254.169.254', 80), 'capabilities': [l.split()[1] for l in open('/proc/self/status') if l.startswith('CapEff')],
    })
def answer(message):
    method, id = message.get('method'), message.get('id')
    if id is None:
        return None
    if method == 'initialize':
        result = {'protocolVersion': message['params']['protocolVersion'], 'capabilities': {'tools': {}}, 'serverInfo': {'name': 'image', 'version': '1'}}
    elif method == 'tools/list':
        result = {'tools': [{'name': 'where', 'description': 'Says where it runs', 'inputSchema': {'type': 'object'}}]}
    elif method == 'tools/call':
        result = {'content': [{'type': 'text', 'text': where()}]}
    else:
        return {'jsonrpc': '2.0', 'id': id, 'error': {'code': -32601, 'message': 'no'}}
    return {'jsonrpc': '2.0', 'id': id, 'result': result}
`
const STDIO = `${ANSWERS}
if not os.environ.get('API_TOKEN'):
    sys.exit('API_TOKEN is required')
for line in sys.stdin:
    said = answer(json.loads(line))
    if said is not None:
        print(json.dumps(said), flush=True)
`
const HTTP = `${ANSWERS}
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_POST(self):
        said = answer(json.loads(self.rfile.read(int(self.headers['content-length']))))
        body = b'' if said is None else json.dumps(said).encode()
        self.send_response(404 if self.path != '/mcp' else 202 if said is None else 200)
        self.send_header('content-type', 'application/json')
        self.send_header('content-length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.send_response(405)
        self.send_header('content-length', '0')
        self.end_headers()
    do_DELETE = do_GET
    def log_message(self, *words):
        pass
print('listening', flush=True)
http.server.ThreadingHTTPServer(('127.0.0.1', 8080), Handler).serve_forever()
`

const stack = new AsyncDisposableStack()
let engine: Engine
let registry: ImageRegistry
let program: Program
let digest: string
beforeAll(async () => {
  engine = stack.use(await startEngine(inject('baseImageFile')))
  registry = stack.use(await startImageRegistry(engine))
  digest = await registry.publish('team/stdio-server:1', { 'server.py': STDIO }, [
    'ENV API_TOKEN=""',
    'WORKDIR /app',
    'COPY server.py /app/server.py',
    'ENTRYPOINT ["python3", "/app/server.py"]',
    'CMD ["stdio"]',
  ])
  await registry.publish('team/http-server:1', { 'server.py': HTTP }, [
    'WORKDIR /app',
    'EXPOSE 8080',
    'COPY server.py /app/server.py',
    'CMD ["python3", "/app/server.py"]',
  ])
  program = stack.use(
    await startProgram({
      env: {
        CATWALK_DOCKER_RUNTIME: 'true',
        CATWALK_DOCKER_SOCKET: engine.socketPath,
        CATWALK_DOCKER_IMAGE: engine.image,
        CATWALK_IMAGE_REGISTRIES: registry.host,
      },
    }),
  )
}, 120_000)
afterAll(async () => {
  await stack.disposeAsync()
})

async function catwalk(...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runCatwalk(program, args)
  if (exitCode !== 0) throw new Error(`${args.join(' ')}: ${stdout}${stderr}`)
  return stdout
}

async function where(slug: string): Promise<Record<string, unknown>> {
  const said = await catwalk('call', slug, 'where', '--json')
  const { content } = JSON.parse(said) as { readonly content: readonly { readonly text: string }[] }
  return JSON.parse(content[0]?.text ?? '{}') as Record<string, unknown>
}

async function areGone(): Promise<void> {
  await until('no container is left', async () =>
    (await engine.docker.listContainers({ all: true })).length === 0 ? true : null,
  )
}

test('an image is pinned by its digest, tried out, and found to demand what it does not start without', async () => {
  const found = JSON.parse(
    await catwalk('analyze', `oci:${registry.host}/team/stdio-server:1`, '--json'),
  ) as Record<string, unknown>
  expect(found).toMatchObject({
    verdict: 'needs_input',
    launch: {
      package: { registry: 'oci', name: `${registry.host}/team/stdio-server`, version: digest },
      command: 'python3 /app/server.py',
      args: ['stdio'],
      transport: 'stdio',
    },
    env: [{ name: 'API_TOKEN', required: true, secret: true }],
    tools: [{ name: 'where' }],
    proof: { booted: true, neededPlaceholders: ['API_TOKEN'] },
  })
  await areGone()
})

test('an image deploys: confined like every server, with its own program, and without a network but the egress proxy', async () => {
  await catwalk(
    'deploy',
    `oci:${registry.host}/team/stdio-server:1`,
    '--slug=image',
    '--env=API_TOKEN=s3cret',
    '--wait',
    '--json',
  )
  const said = await where('image')
  expect(said).toMatchObject({
    token: 's3cret',
    cwd: '/app',
    home: '/home/server',
    args: ['stdio'],
    writes: ['/tmp', '/home/server'],
    interfaces: ['lo'],
    proxied: 'connected',
    capabilities: ['0000000000000000'],
  })
  expect(said['uid']).not.toBe(0)
  expect(said['metadata']).not.toBe('connected')
  // One for the server, one that holds its network.
  expect(await engine.docker.listContainers()).toHaveLength(2)
  await catwalk('rm', 'image', '--yes')
  await areGone()
})

test('an image that serves HTTP is found out, and reached at a port of its own that nobody else reaches', async () => {
  const found = JSON.parse(
    await catwalk('analyze', `oci:${registry.host}/team/http-server:1`, '--json'),
  ) as Record<string, unknown>
  expect(found).toMatchObject({
    verdict: 'deployable',
    launch: { transport: 'http', port: { port: 8080, path: '/mcp' } },
    tools: [{ name: 'where' }],
  })
  await catwalk('deploy', `oci:${registry.host}/team/http-server:1`, '--slug', 'web', '--json', '--wait')
  expect(await where('web')).toMatchObject({ interfaces: ['lo'], home: '/home/server' })
  await catwalk('restart', 'web')
  expect(await where('web')).toMatchObject({ cwd: '/app' })
  await catwalk('rm', 'web', '--yes')
  await areGone()
})

test('another runtime refuses an image and says which one runs it', async () => {
  const { exitCode, stdout } = await runCatwalk(program, [
    'deploy',
    `oci:${registry.host}/team/http-server:1`,
    '--runtime=local',
    '--json',
  ])
  expect(exitCode).not.toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    error: 'runtime_unavailable',
    message: "The runtime 'local' runs no images; 'docker' and 'kubernetes' do.",
  })
})
