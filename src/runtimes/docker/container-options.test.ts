import { expect, test } from 'vitest'
import type { ConfinedCommand } from '../confined/index.ts'
import { containerOptions, startMessage, type ContainerHost } from './container-options.ts'

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

test('another OCI runtime is used when there is one', () => {
  expect(containerOptions({ ...host, ociRuntime: 'runsc' }, command, null).HostConfig?.Runtime).toBe('runsc')
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
