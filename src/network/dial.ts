import { Resolver, lookup } from 'node:dns/promises'
import { connect as connectSocket, isIP, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { AddressRule } from '../domain/index.ts'
import { nonPublicReason } from './address-rules.ts'

/**
 * Opens a connection for a confined program.
 * @throws EgressRefusal when it may not go there; other errors when it could not be reached
 */
export type Dial = (host: string, port: number, signal: AbortSignal) => Promise<Socket>

/** `message` is shown to the program and in the deployment's log. */
export class EgressRefusal extends Error {
  override readonly name = 'EgressRefusal'
}

/** The network as this module sees it; tests bring their own. */
export interface Network {
  /** Every address of a name, the preferred one first. Rejects when there is none. */
  resolve(host: string, signal: AbortSignal): Promise<readonly string[]>
  connect(address: string, port: number, signal: AbortSignal): Promise<Socket>
  /** The addresses of this machine. */
  ownAddresses(): readonly string[]
  /** Private addresses that may be reached all the same. Left out: none. */
  readonly mayReach?: AddressRule
}

/** Only public addresses, and private ones that the network allows: one look-up, every answer checked, and just those addresses dialled. */
export function dialPublic(network: Network): Dial {
  return async (host, port, signal) =>
    dialFirst(network, await publicAddresses(network, host, signal), port, signal)
}

/**
 * The addresses of a host, none of which is outside the public internet. Whoever connects uses just these: a second
 * look-up could answer otherwise.
 * @throws EgressRefusal
 */
export async function publicAddresses(
  network: Pick<Network, 'resolve' | 'ownAddresses' | 'mayReach'>,
  host: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const addresses = isIP(host) === 0 ? await network.resolve(host, signal) : [host]
  const own = network.ownAddresses()
  for (const address of addresses) {
    const reason = own.includes(address)
      ? (nonPublicReason(address) ?? 'address of this machine')
      : nonPublicReason(address, network.mayReach)
    // One bad answer spoils the name: a public address beside it would only be the bait.
    if (reason !== null) throw new EgressRefusal(`${address} is not on the public internet: ${reason}`)
  }
  return addresses
}

/** Only where `allows` says so, and where the other one goes. */
export function dialOnly(allows: (host: string, port: number) => boolean, dial: Dial): Dial {
  return async (host, port, signal) => {
    if (!allows(host, port)) throw new EgressRefusal('it is not in the allow-list')
    return dial(host, port, signal)
  }
}

/** Only the listed origins, wherever their names lead; the operator chose them. Entries are `host:port`. */
export function dialListed(origins: ReadonlySet<string>, network: Network): Dial {
  return async (name, port, signal) => {
    const host = name.toLowerCase()
    if (!origins.has(`${host}:${port}`)) throw new EgressRefusal('not a package registry in use')
    const addresses = isIP(host) === 0 ? await network.resolve(host, signal) : [host]
    return dialFirst(network, addresses, port, signal)
  }
}

async function dialFirst(
  network: Network,
  addresses: readonly string[],
  port: number,
  signal: AbortSignal,
): Promise<Socket> {
  let failure: unknown = new Error('the name has no address')
  for (const address of addresses) {
    try {
      return await network.connect(address, port, signal)
    } catch (error) {
      signal.throwIfAborted()
      failure = error
    }
  }
  throw failure
}

/** Opens a TCP connection that both ends may close by halves. */
export async function connect(address: string, port: number, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const socket = connectSocket({ host: address, port, allowHalfOpen: true, noDelay: true, keepAlive: true })
    const abort = (): void => void socket.destroy(new Error('gave up'))
    signal.addEventListener('abort', abort, { once: true })
    socket.once('error', reject)
    socket.once('close', () => {
      signal.removeEventListener('abort', abort)
      reject(new Error('closed'))
    })
    socket.once('connect', () => {
      signal.removeEventListener('abort', abort)
      socket.off('error', reject)
      resolve(socket)
    })
  })
}

function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address))
}

/**
 * For servers: asks name servers directly. Neither the hosts file nor the thread pool is involved, so that a server that
 * asks for slow names cannot hold up the file system calls of this program.
 */
export const publicNetwork: Network = {
  async resolve(host, signal) {
    const resolver = new Resolver({ timeout: 3_000, tries: 2 })
    const cancel = (): void => resolver.cancel()
    signal.addEventListener('abort', cancel, { once: true })
    try {
      const [four, six] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
      const addresses = [four, six].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
      if (addresses.length === 0) throw new Error(`no address for ${host}`)
      return addresses
    } finally {
      signal.removeEventListener('abort', cancel)
    }
  },
  connect,
  ownAddresses,
}

/** For hosts that the operator configured: resolved as every program of this machine does. */
export const systemNetwork: Network = {
  async resolve(host) {
    const answers = await lookup(host, { all: true, order: 'ipv4first' })
    return answers.map(({ address }) => address)
  },
  connect,
  ownAddresses,
}
