import { expect, test } from 'vitest'
import type { ConfinedCommand } from '../confined/index.ts'
import {
  containerOptions,
  imageOptions,
  startMessage,
  wayCommand,
  type ContainerHost,
} from './container-options.ts'

const host: ContainerHost = {
  image: 'catwalk/base:1',
  ociRuntime: null,
  toolchain: { directory: '/data/docker/toolchain/x' },
  installation: '0123456789ab',
  user: '1001:1001',
}
const command: ConfinedCommand = {
  label: 'ins_1-1',
  argv: ['/opt/catwalk/toolchain/bin/node', 'index.js', '--key=s3cret'],
  environment: new Map([['KEY', 's3cret']]),
  files: [{ path: '/run/credentials/key', content: 's3cret' }],
  workingDirectory: '/home/server',
  mounts: [{ source: '/data/store/x', target: '/opt/catwalk/package', writable: false }],
  identity: { uid: 200_001, gid: 200_001 },
  limits: { memoryMiB: 256, tasks: 64, cpus: 1.5, fileMiB: 100 },
  dial: null,
}

test('a container has no network, no capability, a read-only root and nothing of the host but what is listed', () => {
  const { HostConfig: config, ...options } = containerOptions(host, command, null)
  expect(options).toMatchObject({ Image: 'catwalk/base:1', User: '200001:200001', Env: [], Cmd: [] })
  expect(config).toMatchObject({
    NetworkMode: 'none',
    ReadonlyRootfs: true,
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges'],
    Memory: 256 * 1024 * 1024,
    MemorySwap: 256 * 1024 * 1024,
    NanoCpus: 1_500_000_000,
    PidsLimit: 64,
    Ulimits: [
      { Name: 'core', Soft: 0, Hard: 0 },
      { Name: 'fsize', Soft: 104_857_600, Hard: 104_857_600 },
    ],
    LogConfig: { Type: 'none' },
  })
  expect(config?.Privileged ?? false).toBe(false)
  expect(config?.Mounts).toEqual([
    { Type: 'bind', Source: '/data/docker/toolchain/x', Target: '/opt/catwalk/toolchain', ReadOnly: true },
    { Type: 'bind', Source: '/data/store/x', Target: '/opt/catwalk/package', ReadOnly: true },
  ])
  expect(config?.Runtime).toBeUndefined()
})

test('nothing secret is in what the engine is told', () => {
  expect(JSON.stringify(containerOptions(host, command, '/data/docker/egress/x.sock'))).not.toContain(
    's3cret',
  )
})

test('the way out is one socket, and the relay to it has memory of its own', () => {
  const { HostConfig: config, Cmd: words } = containerOptions(host, command, '/data/docker/egress/x.sock')
  expect(words).toEqual(['/run/egress.sock'])
  expect(config?.NetworkMode).toBe('none')
  expect(config?.Memory).toBe(320 * 1024 * 1024)
  expect(config?.Mounts?.at(-1)).toMatchObject({
    Source: '/data/docker/egress/x.sock',
    Target: '/run/egress.sock',
  })
})

test('another OCI runtime is used when there is one, and has room for its own tasks', () => {
  const { HostConfig: config } = containerOptions({ ...host, ociRuntime: 'runsc' }, command, null)
  expect(config).toMatchObject({ Runtime: 'runsc', PidsLimit: 64 + 256 })
})

test('the first message says its length in bytes, so that what follows it is left for the server', () => {
  const message = startMessage({ argv: ['ü'], environment: new Map([['A', '1']]), files: [] })
  const length = Number(message.subarray(0, 10).toString())
  expect(message).toHaveLength(10 + length)
  expect(JSON.parse(message.subarray(10).toString())).toEqual({
    argv: ['ü'],
    environment: { A: '1' },
    files: [],
  })
})

const inImage = {
  ...command,
  argv: ['/server', 'stdio', '--key=s3cret'],
  image: { reference: 'ghcr.io/team/server@sha256:00', port: 8080 },
  relay: { names: () => true, ports: [443] },
}

test('a server in an image of its own is confined like all others, in the network of a container of ours', () => {
  const { HostConfig: ours } = containerOptions(host, command, null)
  const { HostConfig: config, ...options } = imageOptions(host, inImage, 'catwalk-x-1', '/dev/shm/files')
  expect(options).toMatchObject({
    Image: 'ghcr.io/team/server@sha256:00',
    User: '200001:200001',
    Entrypoint: ['/server'],
    Cmd: ['stdio', '--key=s3cret'],
    Env: ['KEY=s3cret'],
    Healthcheck: { Test: ['NONE'] },
  })
  // The image's own working directory, and the name of whose network it is in.
  expect(options.WorkingDir).toBeUndefined()
  expect(options.Hostname).toBeUndefined()
  for (const name of [
    'ReadonlyRootfs',
    'CapDrop',
    'SecurityOpt',
    'Memory',
    'MemorySwap',
    'NanoCpus',
    'PidsLimit',
    'LogConfig',
    'Init',
  ] as const) {
    expect({ [name]: config?.[name] }).toEqual({ [name]: ours?.[name] })
  }
  expect(config).toMatchObject({ NetworkMode: 'container:catwalk-x-1' })
  expect(config?.Sysctls).toBeUndefined()
  // Nothing of ours is in it: neither Node nor the way to the egress proxy.
  expect(
    config?.Mounts?.map(({ Source: source, Target: target, ReadOnly: readOnly }) => [
      source,
      target,
      readOnly,
    ]),
  ).toEqual([
    ['/data/store/x', '/opt/catwalk/package', true],
    ['/dev/shm/files', '/run/credentials', true],
    ['/data/docker/toolchain/x/etc/resolv.conf', '/etc/resolv.conf', true],
  ])
})

test('what holds the network of a server knows nothing of the server but its port', () => {
  const way = wayCommand(inImage, '/data/egress/1')
  expect(way.argv.slice(2)).toEqual(['8080', '/run/way/port.sock'])
  expect(way.environment.size + way.files.length).toBe(0)
  expect(way.mounts).toEqual([{ source: '/data/egress/1', target: '/run/way', writable: true }])
  expect(JSON.stringify(way)).not.toContain('s3cret')
  expect(way.image).toBeUndefined()
})
