// The first program of a container: it reads from its standard input what the server is, and becomes it, or, where the
// server may reach the internet, runs it and carries what it sends to the egress proxy outside. Arguments: path of the
// proxy's Unix socket, or nothing; ports that are carried there by name, by commas. Plain JavaScript, because it is copied into the data directory.
'use strict'
const { spawn } = require('node:child_process')
const { createSocket } = require('node:dgram')
const { readSync, writeFileSync } = require('node:fs')
const { request } = require('node:http')
const { connect, createServer } = require('node:net')

const LENGTH_DIGITS = 10
const PROXY_PORT = 3128
const RETRY_MS = 5
const NAMES_PORT = 53
const MAX_HEAD_BYTES = 1_024
const [egress, relayed = ''] = process.argv.slice(2)

// What comes after it on standard input is the server's.
const { argv, environment, files } = readStart()
for (const { path, content } of files) writeFileSync(path, content, { mode: 0o600, flag: 'wx' })

if (egress === undefined) {
  process.execve?.(argv[0] ?? '', argv, environment)
} else {
  void openPorts(egress)
}

/** @param {string} proxy */
async function openPorts(proxy) {
  await listen('127.0.0.1', PROXY_PORT, (inside) => {
    const outside = connect({ path: proxy, allowHalfOpen: true })
    fail(inside, outside)
    inside.pipe(outside).pipe(inside)
  })
  if (relayed !== '' && (await answerNames(proxy))) {
    for (const port of relayed.split(',')) {
      await listen('0.0.0.0', Number(port), (inside) => carry(proxy, inside, port))
    }
  }
  runServer()
}

/**
 * Without the right to a port it is not opened.
 * @param {string} host @param {number} port @param {(inside: import('node:net').Socket) => void} onConnection
 * @returns {Promise<void>}
 */
function listen(host, port, onConnection) {
  return new Promise((resolve) => {
    const server = createServer({ allowHalfOpen: true }, onConnection)
    server.once('error', () => resolve())
    server.listen({ host, port, backlog: 128 }, resolve)
  })
}

/**
 * The proxy knows which name has this address.
 * @param {string} proxy @param {import('node:net').Socket} inside @param {string} port
 */
function carry(proxy, inside, port) {
  const outside = connect({ path: proxy, allowHalfOpen: true })
  fail(inside, outside)
  outside.write(`CONNECT ${inside.localAddress}:${port} HTTP/1.1\r\nHost: ${inside.localAddress}\r\n\r\n`)
  let head = Buffer.alloc(0)
  const onData = (/** @type {Buffer} */ chunk) => {
    head = Buffer.concat([head, chunk])
    const end = head.indexOf('\r\n\r\n')
    if (end < 0 && head.length < MAX_HEAD_BYTES) return
    outside.off('data', onData)
    if (end < 0 || !head.toString('latin1').startsWith('HTTP/1.1 200 ')) {
      inside.resetAndDestroy()
      return
    }
    inside.write(head.subarray(end + 4))
    inside.pipe(outside).pipe(inside)
  }
  outside.on('data', onData)
}

/** @param {import('node:net').Socket} one @param {import('node:net').Socket} other */
function fail(one, other) {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ]) {
    from?.on('error', () => to?.destroy())
    from?.on('close', () => to?.destroy())
  }
}

/**
 * Asks the proxy, as an HTTP request whose body is the query.
 * @param {string} proxy @returns {Promise<boolean>} whether there is a name server
 */
function answerNames(proxy) {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    socket.once('error', () => resolve(false))
    socket.on('message', (query, from) => {
      const asked = request(
        { socketPath: proxy, method: 'POST', path: 'http://resolver.invalid/' },
        (answer) => {
          /** @type {Buffer[]} */
          const chunks = []
          answer.on('data', (/** @type {Buffer} */ chunk) => chunks.push(chunk))
          answer.on('end', () => {
            if (answer.statusCode === 200) socket.send(Buffer.concat(chunks), from.port, from.address)
          })
        },
      )
      asked.on('error', () => undefined)
      asked.end(query)
    })
    socket.bind({ address: '127.0.0.1', port: NAMES_PORT, exclusive: true }, () => {
      socket.on('error', () => undefined)
      resolve(true)
    })
  })
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
