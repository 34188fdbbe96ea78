import { join } from 'node:path'
import type { ContainerCreateOptions, MountSettings } from 'dockerode'
import { INSIDE, type ConfinedCommand, type Mount, type Toolchain } from '../confined/index.ts'

const MIB = 1024 * 1024
const NANO = 1e9
const TEMPORARY_MIB = 256
const SHARED_MEMORY_MIB = 64
const CREDENTIALS_MIB = 16
/** What the relay to the egress proxy takes; it is not the server's. */
const RELAY_MIB = 64

/**
 * A kernel of its own (gVisor) runs as a program in the container's control group, which counts its threads and the
 * processes that stand for those inside.
 */
const KERNEL_TASKS = 256

/** Names of what a container needs in the toolchain's directory besides Node and npm. */
export const INIT_NAME = 'container-init.cjs'
export const WAY_NAME = 'container-way.cjs'
/** Where the program that holds a server's network makes the socket that leads to the server's port. */
const WAY_DIRECTORY = '/run/way'
const WAY_SOCKET = 'port.sock'
/** Where a container finds the socket of its egress proxy. */
const EGRESS = '/run/egress.sock'

/** What is the same for all containers of one installation. */
export interface ContainerHost {
  readonly image: string
  /** The OCI runtime, such as `runsc`; null for the engine's own default. */
  readonly ociRuntime: string | null
  readonly toolchain: Toolchain
  /** Tells the containers of this installation from those of others on the same engine. */
  readonly installation: string
  /** `uid:gid` of programs for which no other identity is given. */
  readonly user: string
}

export const INSTALLATION_LABEL = 'catwalk.installation'
const NAME_LABEL = 'catwalk.program'

/**
 * What the engine is asked for: nothing of the host but the listed directories, no network at all, no capability, a
 * read-only root. Neither the server's environment nor its arguments are in it, because the engine shows it to whoever
 * may ask: the first program reads them from its standard input.
 * @param egress path of the egress proxy's socket on this machine; null when there is no way out
 */
export function containerOptions(
  host: ContainerHost,
  command: ConfinedCommand,
  egress: string | null,
): ContainerCreateOptions {
  const { identity, limits } = command
  const user = identity === null ? host.user : `${identity.uid}:${identity.gid}`
  const [uid, gid] = user.split(':')
  const memory = (limits.memoryMiB + (egress === null ? 0 : RELAY_MIB)) * MIB
  const mounts = [
    { source: host.toolchain.directory, target: INSIDE.toolchain, writable: false },
    ...command.mounts,
    // Names are looked up at the relay inside, not at what the engine would put there.
    ...(command.relay === undefined ? [] : [resolverOf(host)]),
    // To connect to a socket takes the right to write to it, and nothing else can be written there.
    ...(egress === null ? [] : [{ source: egress, target: EGRESS, writable: true }]),
  ]
  return {
    Image: host.image,
    Entrypoint: [INSIDE.node, '--disable-warning=ExperimentalWarning', `${INSIDE.toolchain}/${INIT_NAME}`],
    Cmd:
      egress === null
        ? []
        : [EGRESS, ...(command.relay === undefined ? [] : [command.relay.ports.join(',')])],
    Env: [],
    User: user,
    Hostname: 'server',
    WorkingDir: command.workingDirectory,
    Labels: { [INSTALLATION_LABEL]: host.installation, [NAME_LABEL]: command.label },
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
    HostConfig: {
      ...(host.ociRuntime === null ? {} : { Runtime: host.ociRuntime }),
      // Reaps what the server leaves behind, and lets SIGTERM end a first process that does not handle it.
      Init: true,
      NetworkMode: 'none',
      // The relay's ports are below 1024. It concerns the container's own network, in which nobody else is.
      ...(command.relay === undefined ? {} : { Sysctls: { 'net.ipv4.ip_unprivileged_port_start': '0' } }),
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      Memory: memory,
      MemorySwap: memory,
      NanoCpus: Math.round(limits.cpus * NANO),
      PidsLimit: limits.tasks + (host.ociRuntime === null ? 0 : KERNEL_TASKS),
      Ulimits: [
        { Name: 'core', Soft: 0, Hard: 0 },
        ...(limits.fileMiB === null
          ? []
          : [{ Name: 'fsize', Soft: limits.fileMiB * MIB, Hard: limits.fileMiB * MIB }]),
      ],
      ShmSize: SHARED_MEMORY_MIB * MIB,
      Tmpfs: {
        [INSIDE.temporary]: `rw,exec,nosuid,nodev,mode=1777,size=${TEMPORARY_MIB}m`,
        [INSIDE.credentials]: `rw,noexec,nosuid,nodev,mode=0700,uid=${uid},gid=${gid},size=${CREDENTIALS_MIB}m`,
      },
      Mounts: mounts.map(bind),
      // The output comes to us as it is written; the engine keeps no copy of it.
      LogConfig: { Type: 'none', Config: {} },
      RestartPolicy: { Name: 'no' },
    },
  }
}

function resolverOf({ toolchain }: ContainerHost): Mount {
  return {
    source: join(toolchain.directory, 'etc', 'resolv.conf'),
    target: '/etc/resolv.conf',
    writable: false,
  }
}

function bind({ source, target, writable }: Mount): MountSettings {
  return { Type: 'bind', Source: source, Target: target, ReadOnly: !writable }
}

/**
 * What holds the network of a server in an image of its own, in which nothing of ours could run: the ways out, and the way
 * in to a port.
 * @param wayIn directory on this machine for the socket that leads to the port; null for none
 */
export function wayCommand(command: ConfinedCommand, wayIn: string | null): ConfinedCommand {
  const { label, identity, dial, relay, image } = command
  const port = image?.port ?? null
  return {
    label: `${label}-way`,
    argv: [
      INSIDE.node,
      `${INSIDE.toolchain}/${WAY_NAME}`,
      ...(port === null ? [] : [String(port), `${WAY_DIRECTORY}/${WAY_SOCKET}`]),
    ],
    environment: new Map(),
    files: [],
    workingDirectory: '/',
    mounts: wayIn === null ? [] : [{ source: wayIn, target: WAY_DIRECTORY, writable: true }],
    identity,
    limits: { memoryMiB: RELAY_MIB, tasks: 64, cpus: 1, fileMiB: null },
    dial,
    ...(relay === undefined ? {} : { relay }),
  }
}

/** The socket in such a directory. */
export function waySocket(wayIn: string): string {
  return join(wayIn, WAY_SOCKET)
}

/**
 * What the engine is asked for to run a server in an image of its own: what all servers get, in the network of a container
 * of ours. Its environment and arguments are in it, because no program of ours starts it.
 * @param holder name of the container whose network it is in
 * @param files directory on this machine with its credentials that are files; null for none
 */
export function imageOptions(
  host: ContainerHost,
  command: ConfinedCommand & Required<Pick<ConfinedCommand, 'image'>>,
  holder: string,
  files: string | null,
): ContainerCreateOptions {
  const {
    Hostname: _,
    WorkingDir: __,
    HostConfig: hostConfig = {},
    ...same
  } = containerOptions(host, { ...command, mounts: [] }, null)
  const { Sysctls: ___, Tmpfs: tmpfs = {}, ...limits } = hostConfig
  const [program = '', ...args] = command.argv
  const mounts = [
    ...command.mounts,
    ...(files === null ? [] : [{ source: files, target: INSIDE.credentials, writable: false }]),
    ...(command.relay === undefined ? [] : [resolverOf(host)]),
  ]
  return {
    ...same,
    Image: command.image.reference,
    Entrypoint: [program],
    Cmd: args,
    Env: [...command.environment].map(([name, value]) => `${name}=${value}`),
    Healthcheck: { Test: ['NONE'] },
    HostConfig: {
      ...limits,
      NetworkMode: `container:${holder}`,
      Tmpfs: Object.fromEntries(Object.entries(tmpfs).filter(([path]) => path !== INSIDE.credentials)),
      Mounts: mounts.map(bind),
    },
  }
}

/** The first thing on a container's standard input: what it is to run. */
export function startMessage({
  argv,
  environment,
  files,
}: Pick<ConfinedCommand, 'argv' | 'environment' | 'files'>): Buffer {
  const body = Buffer.from(JSON.stringify({ argv, environment: Object.fromEntries(environment), files }))
  return Buffer.concat([Buffer.from(String(body.length).padStart(10, '0')), body])
}
