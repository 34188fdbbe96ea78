// The first program inside a sandbox, and gone before the server's first line runs: it opens the port of the egress
// proxy, hands the listening socket to Catwalk, waits to be told what the server is and becomes it. Argument: the port (0
// for none). Plain JavaScript, because it is copied into the data directory and started once per process.
'use strict'
const { closeSync, readdirSync, readFileSync, writeFileSync } = require('node:fs')
const { createServer } = require('node:net')

const ABANDONED_POLL_MS = 50
const [port] = process.argv.slice(2)

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
  const server = createServer()
  server.listen({ host: '127.0.0.1', port: Number(port), backlog: 128 }, () =>
    process.send?.('ready', server),
  )
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
