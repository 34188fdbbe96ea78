import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { TLSSocket } from 'node:tls'

export interface ReceivedMail {
  readonly from: string
  readonly to: readonly string[]
  /** Headers and body as they came. */
  readonly data: string
  readonly encrypted: boolean
  /** Who signed in to send it; null for nobody. */
  readonly user: string | null
}

export interface SmtpServer extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly mails: readonly ReceivedMail[]
  /** What came over connections that were not encrypted, line by line. */
  readonly clear: readonly string[]
}

export interface SmtpOptions {
  /** The answer to RCPT. */
  readonly refuse?: string
  /** With them it offers STARTTLS (RFC 3207). */
  readonly tls?: { readonly key: string; readonly certificate: string }
  /** Who may send (RFC 4954, PLAIN and LOGIN); nobody else then, and only over TLS. */
  readonly login?: { readonly user: string; readonly password: string }
}

/** A mail server (RFC 5321) that delivers nothing, on a real socket. */
export async function startSmtpServer(options: SmtpOptions = {}): Promise<SmtpServer> {
  const mails: ReceivedMail[] = []
  const clear: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy())
    socket.write('220 fake.example ESMTP\r\n')
    converse(socket, options, (mail) => mails.push(mail), clear)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A TCP server's address is never a path.
  const { port } = server.address() as AddressInfo
  return {
    url: `smtp://127.0.0.1:${port}`,
    port,
    mails,
    clear,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function converse(
  socket: Socket,
  options: SmtpOptions,
  take: (mail: ReceivedMail) => void,
  clear: string[],
): void {
  const { refuse, tls, login } = options
  const encrypted = socket instanceof TLSSocket
  const lines = createInterface({ input: socket, crlfDelay: Infinity })
  const say = (...all: string[]) => void socket.write(`${all.join('\r\n')}\r\n`)
  let user: string | null = null
  let from = ''
  let to: string[] = []
  let data: string[] | null = null
  /** What the next line is, within AUTH. */
  let answer: ((text: string) => void) | null = null

  function signIn(name: string, password: string): void {
    if (name !== login?.user || password !== login.password) return say('535 5.7.8 wrong user or password')
    user = name
    say('235 2.7.0 welcome')
  }
  /** `\0user\0password` (RFC 4616). */
  function plain(text: string): void {
    const [, name = '', password = ''] = decoded(text).split('\0')
    signIn(name, password)
  }
  function authenticate(kind: string, initial: string | undefined): void {
    if (login === undefined || !encrypted) return say('538 5.7.11 encrypt first')
    if (kind === 'PLAIN') {
      if (initial !== undefined) return plain(initial)
      answer = plain
      return say('334 ')
    }
    if (kind !== 'LOGIN') return say('504 5.5.4 no such way')
    answer = (name) => {
      answer = (password) => signIn(decoded(name), decoded(password))
      say('334 UGFzc3dvcmQ6')
    }
    say('334 VXNlcm5hbWU6')
  }

  lines.on('line', (line) => {
    if (!encrypted) clear.push(line)
    if (data !== null) {
      if (line !== '.') return void data.push(line.replace(/^\./, ''))
      take({ from, to, data: data.join('\n'), encrypted, user })
      ;[from, to, data] = ['', [], null]
      return say('250 taken')
    }
    if (answer !== null) {
      const then = answer
      answer = null
      return then(line)
    }
    const [verb = '', ...words] = line.split(' ')
    const address = /<([^>]*)>/.exec(line)?.[1] ?? ''
    switch (verb.toUpperCase()) {
      case 'EHLO': {
        const offers = [
          ...(tls !== undefined && !encrypted ? ['STARTTLS'] : []),
          ...(login !== undefined && encrypted ? ['AUTH PLAIN LOGIN'] : []),
        ]
        const all = ['fake.example', ...offers]
        return say(...all.map((text, index) => `250${index === all.length - 1 ? ' ' : '-'}${text}`))
      }
      case 'HELO':
        return say('250 fake.example')
      case 'STARTTLS': {
        if (tls === undefined || encrypted) return say('502 not here')
        lines.close()
        lines.removeAllListeners()
        say('220 go ahead')
        const inner = new TLSSocket(socket, { isServer: true, key: tls.key, cert: tls.certificate })
        inner.on('error', () => socket.destroy())
        // Whatever was said before does not count (RFC 3207, section 4.2).
        return converse(inner, options, take, clear)
      }
      case 'AUTH':
        return authenticate(words[0]?.toUpperCase() ?? '', words[1])
      case 'MAIL':
        if (login !== undefined && user === null) return say('530 5.7.0 sign in first')
        from = address
        return say('250 ok')
      case 'RCPT':
        to.push(address)
        return say(refuse ?? '250 ok')
      case 'DATA':
        data = []
        return say('354 go on')
      case 'RSET':
        return say('250 ok')
      case 'QUIT':
        say('221 bye')
        return void socket.end()
      default:
        return say('502 not here')
    }
  })
}

function decoded(text: string): string {
  return Buffer.from(text, 'base64').toString('utf8')
}
