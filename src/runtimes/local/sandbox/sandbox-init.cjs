// The first program inside a sandbox, and gone before the server's first line runs: it opens the port of the egress
// proxy and, for programs that know no proxies, that of a name server and others, hands these sockets to Catwalk, waits to
// be told what the server is and becomes it. Arguments: the proxy's port (0 for none), the other ports, by commas. Plain JavaScript, because it is copied into the data directory and started once per process.
'use strict'
const { closeSync, readdirSync, readFileSync, writeFileSync } = require('node:fs')
const { createSocket } = require('node:dgram')
const { createServer } = require('node:net')

const ABANDONED_POLL_MS = 50
const NAMES_PORT = 53
const [port, relayed = ''] = process.argv.slice(2)

// Without Catwalk there is nobody to serve. Node does not tell of a channel that closes while a handle is on its way.
setInterval(() => process.connected || process.exit(1), ABANDONED_POLL_MS)
process.once('message', (/** @type {Start} */ { argv, environment, files }) => {
  for (const { path, content } of files) writeFileSync(path, content, { mode: 0o600, flag: 'wx' })
  closeInherited()
  process.execve?.(argv[0] ?? '', argv, environment)
})

if (port === '0') {
  process.send?.('ready')
} else {
  void openPorts()
}

async function openPorts() {
  await hand('proxy', '127.0.0.1', Number(port))
  if (relayed !== '' && (await handNames())) {
    for (const one of relayed.split(',')) await hand(`relay:${one}`, '0.0.0.0', Number(one))
  }
  process.send?.('ready')
}

/** @param {string} name @param {string} host @param {number} number @returns {Promise<void>} */
function hand(name, host, number) {
  return new Promise((resolve) => {
    const server = createServer()
    // Without the right to it the port is not opened, and nobody is told of it.
    server.once('error', () => resolve())
    server.listen({ host, port: number, backlog: 128 }, () =>
      process.send?.(name, server, undefined, () => resolve()),
    )
  })
}

/** @returns {Promise<boolean>} whether there is a name server, without which nobody finds the other ports */
function handNames() {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    socket.once('error', () => resolve(false))
    socket.bind({ address: '127.0.0.1', port: NAMES_PORT, exclusive: true }, () =>
      process.send?.('names', socket, undefined, () => resolve(true)),
    )
  })
}

/**
 * @typedef {object} Start
 * @property {string[]} argv
 * @property {NodeJS.ProcessEnv} environment
 * @property {{ path: string, content: string }[]} files
 */

// Whatever Catwalk itself was started with and did not close must not reach the server. What Node opened has the
// close-on-exec flag (octal 2000000) already.
function closeInherited() {
  for (const name of readdirSync('/proc/self/fd')) {
    const descriptor = Number(name)
    if (descriptor < 3) continue
    const flags = descriptorFlags(name)
    if (flags !== null && (flags & 0o2000000) === 0) closeSync(descriptor)
  }
}

/** @param {string} name @returns {number | null} null for the directory listing's own descriptor, closed by now */
function descriptorFlags(name) {
  try {
    const match = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${name}`, 'utf8'))
    return match?.[1] === undefined ? null : Number.parseInt(match[1], 8)
  } catch {
    return null
  }
}
