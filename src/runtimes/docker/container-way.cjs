// What holds the network of a server that runs in an image of its own: started by container-init.cjs once the ways out are
// open, it says so with one line, leads a Unix socket to the server's port when it is told one, and ends when nobody holds
// its standard input any more. Arguments: port, path of the socket; or nothing.
'use strict'
const { chmodSync } = require('node:fs')
const { connect, createServer } = require('node:net')

const RETRY_MS = 50
const [port, path = ''] = process.argv.slice(2)

process.stdin.on('end', () => process.exit(0)).resume()
if (port === undefined) {
  process.stdout.write('ready\n')
} else {
  createServer({ allowHalfOpen: true }, (outside) => carry(outside, Number(port))).listen(path, () => {
    // In a directory that nobody else gets into.
    chmodSync(path, 0o666)
    process.stdout.write('ready\n')
  })
}

/**
 * Waits for the server to open its port as long as somebody waits for the server.
 * @param {import('node:net').Socket} outside @param {number} to
 */
function carry(outside, to) {
  outside.on('error', () => outside.destroy())
  const inside = connect({ host: '127.0.0.1', port: to, allowHalfOpen: true })
  const onRefused = () => {
    if (!outside.destroyed) setTimeout(() => carry(outside.removeAllListeners('error'), to), RETRY_MS)
  }
  inside.once('error', onRefused)
  inside.once('connect', () => {
    inside.off('error', onRefused)
    inside.on('error', () => outside.destroy())
    for (const [from, other] of [
      [inside, outside],
      [outside, inside],
    ]) {
      from?.on('close', () => other?.destroy())
    }
    inside.pipe(outside).pipe(inside)
  })
}
