import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { CatwalkError } from '../domain/index.ts'
import { dataDirFrom, loadConfig, publicUrlOn, type ConfigProblem, type ConfigSource } from './index.ts'

const machine = { isRoot: false, home: '/home/ada', isTerminal: false }
const load = (env: ConfigSource['env'], flags: ConfigSource['flags'] = {}) =>
  loadConfig({ env, flags, machine })

function problemsOf(env: ConfigSource['env'], flags: ConfigSource['flags'] = {}): readonly ConfigProblem[] {
  try {
    load(env, flags)
  } catch (error) {
    if (!(error instanceof CatwalkError) || error.code !== 'config_invalid') throw error
    // What loadConfig documents.
    return error.details?.['problems'] as readonly ConfigProblem[]
  }
  return []
}

test('an empty environment gives a configuration that works on this machine only', () => {
  expect(load({})).toMatchObject({
    host: '127.0.0.1',
    port: 7420,
    publicUrl: 'http://localhost:7420',
    dataDir: '/home/ada/.local/share/catwalk',
    databaseUrl: null,
    allowUnsandboxed: false,
    maxMessageBytes: 64 * 1024 * 1024,
    installTimeoutMs: 300_000,
    logFormat: 'json',
    pauseAt: null,
  })
})

test('a registry is asked unless its address is set to nothing', () => {
  expect(load({})).toMatchObject({
    registryUrl: 'https://registry.modelcontextprotocol.io',
    glamaUrl: 'https://glama.ai',
    registrySyncMs: 3_600_000,
    updateCheckMs: 86_400_000,
  })
  expect(load({ CATWALK_REGISTRY_URL: '', CATWALK_GLAMA_URL: 'https://glama.example/' })).toMatchObject({
    registryUrl: null,
    glamaUrl: 'https://glama.example',
  })
  expect(problemsOf({ CATWALK_REGISTRY_URL: 'nonsense' })).toMatchObject([
    { variable: 'CATWALK_REGISTRY_URL' },
  ])
})

test('the data directory is a system one for root and follows XDG for everyone else', () => {
  expect(loadConfig({ env: {}, machine: { ...machine, isRoot: true } }).dataDir).toBe('/var/lib/catwalk')
  expect(load({ XDG_DATA_HOME: '/mnt/data' }).dataDir).toBe('/mnt/data/catwalk')
  expect(load({ XDG_DATA_HOME: 'relative' }).dataDir).toBe('/home/ada/.local/share/catwalk')
  expect(load({ XDG_DATA_HOME: '/mnt/data', CATWALK_DATA_DIR: '/srv/cat' }).dataDir).toBe('/srv/cat')
})

test('a flag wins over its variable', () => {
  expect(load({ CATWALK_PORT: '1' }, { port: '2' }).port).toBe(2)
  expect(load({}, { allowUnsandboxed: true }).allowUnsandboxed).toBe(true)
  expect(load({}, { maxMessageMib: '2' }).maxMessageBytes).toBe(2 * 1024 * 1024)
})

test('a variable that is set to nothing counts as not set', () => {
  expect(load({ CATWALK_PORT: '', DATABASE_URL: '', CATWALK_PUBLIC_URL: '' })).toEqual(load({}))
})

test('with port 0 the public URL is made when the port is known, unless it was given', () => {
  const config = load({ CATWALK_PORT: '0' })
  expect(config.publicUrl).toBeNull()
  expect(publicUrlOn(config, 4321)).toBe('http://localhost:4321')
  expect(publicUrlOn(load({ CATWALK_PUBLIC_URL: 'https://cat.example' }), 4321)).toBe('https://cat.example')
})

test('the public URL is an origin without a trailing slash', () => {
  expect(load({ CATWALK_PUBLIC_URL: 'https://Cat.Example:443/' }).publicUrl).toBe('https://cat.example')
})

test.for([
  ['CATWALK_PORT', '70000'],
  ['CATWALK_PORT', '1e3'],
  ['CATWALK_PORT', ' 80'],
  ['CATWALK_HOST', '127.0.0.1:80'],
  ['CATWALK_HOST', '300.1.1.1'],
  ['CATWALK_PUBLIC_URL', 'https://cat.example/mcp'],
  ['CATWALK_PUBLIC_URL', 'https://user@cat.example'],
  ['CATWALK_PUBLIC_URL', 'cat.example'],
  ['CATWALK_PUBLIC_URL', 'ftp://cat.example'],
  ['CATWALK_DATA_DIR', '~/catwalk'],
  ['DATABASE_URL', 'mysql://localhost/catwalk'],
  ['CATWALK_LOG_LEVEL', 'verbose'],
  ['CATWALK_ALLOW_UNSANDBOXED', 'maybe'],
  ['CATWALK_MAX_MESSAGE_MIB', '0'],
  ['CATWALK_PAUSE_AT', 'A step'],
] as const)(
  '%s cannot be "%s", and the error names it, the reason and a value that works',
  ([variable, value]) => {
    const problems = problemsOf({ [variable]: value })
    expect(problems).toEqual([
      {
        variable,
        reason: expect.stringContaining(' is not '),
        fix: expect.stringContaining(`${variable}=`),
      },
    ])
  },
)

test('every problem is reported at once', () => {
  const problems = problemsOf({ CATWALK_PORT: 'x', CATWALK_LOG_LEVEL: 'y' }, { dataDir: '~' })
  expect(problems.map(({ variable }) => variable)).toEqual([
    'CATWALK_PORT',
    'CATWALK_DATA_DIR',
    'CATWALK_LOG_LEVEL',
  ])
  expect(problems[1]?.fix).toContain('--data-dir')
})

test('a misspelt variable stops the start and the right one is suggested', () => {
  expect(problemsOf({ CATWALK_PROT: '8080' })).toEqual([
    {
      variable: 'CATWALK_PROT',
      reason: 'is not a variable that Catwalk knows',
      fix: 'Did you mean CATWALK_PORT?',
    },
  ])
  expect(problemsOf({ CATWALK_SOMETHING_ELSE: '1' })[0]?.fix).toContain('docs/configuration.md')
})

test('variables of the commands do not stop the program', () => {
  expect(problemsOf({ CATWALK_URL: 'https://cat.example', CATWALK_API_KEY: 'cwk_x' })).toEqual([])
})

test('servers without a sandbox are refused as soon as other machines can connect', () => {
  expect(problemsOf({ CATWALK_ALLOW_UNSANDBOXED: 'true', CATWALK_HOST: '0.0.0.0' })[0]).toMatchObject({
    variable: 'CATWALK_ALLOW_UNSANDBOXED',
    fix: expect.stringContaining('CATWALK_HOST=127.0.0.1'),
  })
  for (const host of ['127.0.0.1', '127.8.9.1', '::1', 'localhost']) {
    expect(problemsOf({ CATWALK_ALLOW_UNSANDBOXED: 'true', CATWALK_HOST: host })).toEqual([])
  }
})

test('a secret shows neither in the configuration nor in the error about it', () => {
  const good = 'postgresql://u:hunter2@db/x'
  const config = load({ DATABASE_URL: good, CATWALK_MASTER_KEY: 'hunter2' })
  expect(config.databaseUrl?.reveal()).toBe(good)
  expect(`${JSON.stringify(config)} ${inspect(config)}`).not.toContain('hunter2')
  expect(JSON.stringify(problemsOf({ DATABASE_URL: 'mysql://u:hunter2@db/x' }))).not.toContain('hunter2')
})

test('a secret cannot be given as a flag', () => {
  expect(load({}, { masterKey: 'x', databaseUrl: 'postgresql://x' })).toEqual(load({}))
})

test('control characters of a wrong value do not reach the terminal', () => {
  expect(problemsOf({ CATWALK_HOST: '\u001b[2Jx' })[0]?.reason).not.toContain('\u001b')
})

test('the configuration cannot be changed', () => {
  expect(Object.isFrozen(load({}))).toBe(true)
})

test('the data directory is found whatever else is wrong', () => {
  expect(dataDirFrom({ env: { CATWALK_PORT: 'x' }, machine })).toBe('/home/ada/.local/share/catwalk')
  expect(() => dataDirFrom({ env: { CATWALK_DATA_DIR: '~/x' }, machine })).toThrow(CatwalkError)
})

test('open sign-up together with servers on this machine is refused, with both ways out', () => {
  const [problem] = problemsOf({ CATWALK_SIGN_UP: 'open' })
  expect(problem?.variable).toBe('CATWALK_SIGN_UP')
  expect(problem?.fix).toContain('CATWALK_LOCAL_RUNTIME=false')
  expect(problemsOf({ CATWALK_SIGN_UP: 'open', CATWALK_LOCAL_RUNTIME: 'false' })).toEqual([])
})

test('a public URL that sends passwords in clear over the network is refused; on this machine it is fine', () => {
  expect(problemsOf({ CATWALK_PUBLIC_URL: 'http://cat.example.com' })).toMatchObject([
    { variable: 'CATWALK_PUBLIC_URL' },
  ])
  for (const url of [
    'https://cat.example.com',
    'http://localhost:80',
    'http://127.0.0.1:1',
    'http://[::1]:1',
  ]) {
    expect(problemsOf({ CATWALK_PUBLIC_URL: url })).toEqual([])
  }
})

test('a secret may stand in a file, as container platforms hand it out', () => {
  const directory = mkdtempSync(join(tmpdir(), 'catwalk-secret-'))
  try {
    const path = join(directory, 'secret')
    writeFileSync(path, 'from a file\n')
    const env = { CATWALK_GITHUB_CLIENT_ID: 'id', CATWALK_GITHUB_CLIENT_SECRET_FILE: path }
    expect(load(env).githubClientSecret?.reveal()).toBe('from a file')
    expect(problemsOf({ ...env, CATWALK_GITHUB_CLIENT_SECRET: 'both' })).toMatchObject([
      { variable: 'CATWALK_GITHUB_CLIENT_SECRET_FILE' },
      { variable: 'CATWALK_GITHUB_CLIENT_SECRET' },
    ])
    expect(problemsOf({ CATWALK_MASTER_KEY_FILE: join(directory, 'none') })).toMatchObject([
      { variable: 'CATWALK_MASTER_KEY_FILE', reason: expect.stringContaining('cannot be read') },
    ])
  } finally {
    rmSync(directory, { recursive: true })
  }
})

test.each([
  [{ CATWALK_GITHUB_CLIENT_ID: 'id' }, 'CATWALK_GITHUB_CLIENT_SECRET'],
  [{ CATWALK_GOOGLE_CLIENT_SECRET: 'x' }, 'CATWALK_GOOGLE_CLIENT_ID'],
  [{ CATWALK_SMTP_URL: 'smtps://mail.example.com' }, 'CATWALK_MAIL_FROM'],
  [{ CATWALK_SMTP_URL: 'https://mail.example.com', CATWALK_MAIL_FROM: 'a@b.example' }, 'CATWALK_SMTP_URL'],
  [{ CATWALK_MAIL_FROM: 'Eve <a@b.example>\nBcc: c@d.example' }, 'CATWALK_MAIL_FROM'],
])('of %j, %s is named', (env, variable) => {
  expect(problemsOf(env)).toMatchObject([{ variable }])
})

test('the Docker engine is found where its own tools find it, and an engine elsewhere is refused with what to use instead', () => {
  const on = { CATWALK_DOCKER_RUNTIME: 'true' }
  expect(load(on).dockerSocket).toBe('/var/run/docker.sock')
  const theirs = { ...on, DOCKER_HOST: 'unix:///run/user/1000/docker.sock' }
  expect(load(theirs).dockerSocket).toBe('/run/user/1000/docker.sock')
  expect(load({ ...theirs, CATWALK_DOCKER_SOCKET: '/run/other.sock' }).dockerSocket).toBe('/run/other.sock')
  for (const host of ['tcp://10.0.0.5:2376', 'ssh://ada@build.example', 'npipe:////./pipe/docker_engine']) {
    const [problem, ...others] = problemsOf({ ...on, DOCKER_HOST: host })
    expect(others).toEqual([])
    expect(problem).toMatchObject({ variable: 'DOCKER_HOST', reason: expect.stringContaining(host) })
    expect(problem?.fix).toContain('Kubernetes')
    // Whoever does not use it may set it to what they like.
    expect(problemsOf({ DOCKER_HOST: host })).toEqual([])
    expect(problemsOf({ CATWALK_DOCKER_SOCKET: host })).toMatchObject([{ variable: 'CATWALK_DOCKER_SOCKET' }])
  }
})
