import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { createInterface } from 'node:readline'

export interface ReceivedMail {
  readonly from: string
  readonly to: readonly string[]
  /** Headers and body as they came. */
  readonly data: string
}

export interface SmtpServer extends AsyncDisposable {
  readonly url: string
  readonly mails: readonly ReceivedMail[]
}

/** A mail server (RFC 5321) that takes everything and delivers nothing, on a real socket. `refuse` names the answer to RCPT. */
export async function startSmtpServer({ refuse }: { refuse?: string } = {}): Promise<SmtpServer> {
  const mails: ReceivedMail[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy())
    const say = (line: string) => void socket.write(`${line}\r\n`)
    let from = ''
    let to: string[] = []
    let data: string[] | null = null
    say('220 fake.example ESMTP')
    createInterface({ input: socket, crlfDelay: Infinity }).on('line', (line) => {
      if (data !== null) {
        if (line !== '.') {
          data.push(line.replace(/^\./, ''))
          return
        }
        mails.push({ from, to, data: data.join('\n') })
        ;[from, to, data] = ['', [], null]
        say('250 taken')
        return
      }
      const address = /<([^>]*)>/.exec(line)?.[1] ?? ''
      switch (line.slice(0, 4).toUpperCase()) {
        case 'EHLO':
        case 'HELO':
          say('250 fake.example')
          break
        case 'MAIL':
          from = address
          say('250 ok')
          break
        case 'RCPT':
          to.push(address)
          say(refuse ?? '250 ok')
          break
        case 'DATA':
          data = []
          say('354 go on')
          break
        case 'RSET':
          say('250 ok')
          break
        case 'QUIT':
          say('221 bye')
          socket.end()
          break
        default:
          say('502 not here')
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A TCP server's address is never a path.
  const { port } = server.address() as AddressInfo
  return {
    url: `smtp://127.0.0.1:${port}`,
    mails,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
