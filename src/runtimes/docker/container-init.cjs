// The first program of a container: it reads from its standard input what the server is, and becomes it, or, where the
// server may reach the internet, runs it and carries what it sends to the egress proxy outside. Argument: path of the
// proxy's Unix socket, or nothing. Plain JavaScript, because it is copied into the data directory.
'use strict'
const { spawn } = require('node:child_process')
const { readSync, writeFileSync } = require('node:fs')
const { connect, createServer } = require('node:net')

const LENGTH_DIGITS = 10
const PROXY_PORT = 3128
const RETRY_MS = 5
const [egress] = process.argv.slice(2)

// What comes after it on standard input is the server's.
const { argv, environment, files } = readStart()
for (const { path, content } of files) writeFileSync(path, content, { mode: 0o600, flag: 'wx' })

if (egress === undefined) {
  process.execve?.(argv[0] ?? '', argv, environment)
} else {
  const relay = createServer({ allowHalfOpen: true }, (inside) => {
    const outside = connect({ path: egress, allowHalfOpen: true })
    inside.pipe(outside).pipe(inside)
    for (const [one, other] of [
      [inside, outside],
      [outside, inside],
    ]) {
      one?.on('error', () => other?.destroy())
      one?.on('close', () => other?.destroy())
    }
  })
  relay.listen({ host: '127.0.0.1', port: PROXY_PORT, backlog: 128 }, runServer)
}

function runServer() {
  const server = spawn(argv[0] ?? '', argv.slice(1), { env: environment, stdio: 'inherit' })
  for (const name of /** @type {const} */ (['SIGTERM', 'SIGINT', 'SIGHUP']))
    process.on(name, () => server.kill(name))
  server.on('error', () => process.exit(127))
  server.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

/**
 * @typedef {object} Start
 * @property {string[]} argv
 * @property {NodeJS.ProcessEnv} environment
 * @property {{ path: string, content: string }[]} files
 */

/** @returns {Start} */
function readStart() {
  const length = Number(readExactly(LENGTH_DIGITS).toString())
  // Written by Catwalk, see startMessage.
  return /** @type {Start} */ (JSON.parse(readExactly(length).toString()))
}

/** @param {number} length */
function readExactly(length) {
  const bytes = Buffer.alloc(length)
  for (let read = 0; read < length;) {
    try {
      const count = readSync(0, bytes, read, length - read, null)
      // Nobody is there any more who wants a server.
      if (count === 0) process.exit(1)
      read += count
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS)
    }
  }
  return bytes
}
