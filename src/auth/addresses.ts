/** Under which addresses people reach this installation. */
export interface OwnAddresses {
  readonly publicUrl: URL
  /** Port that the program listens on; on this machine it is reached there by any loopback name. */
  readonly port: number
}

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]']

/** Origins of our own pages, e.g. `https://catwalk.example.com` and `http://localhost:7420`. */
export function ownOrigins({ publicUrl, port }: OwnAddresses): readonly string[] {
  const local = LOOPBACK_NAMES.map((name) => new URL(`http://${name}:${port}`).origin)
  return [...new Set([publicUrl.origin, ...local])]
}

/** Values of the Host header that are ours; any other means a rebound name or a proxy that does not pass it on. */
export function ownHosts(addresses: OwnAddresses): readonly string[] {
  return ownOrigins(addresses).map((origin) => new URL(origin).host)
}
