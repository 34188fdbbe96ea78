/**
 * The name server of one sandbox, for programs that know nothing of proxies (RFC 1035). It looks nothing up: each name
 * gets an address of its own in the sandbox's loopback network, and whoever connects there is connected by name.
 */
export interface Resolver {
  /** The answer to a query; null for what is none. */
  answer(query: Buffer): Buffer | null
  /** The name that was given this address; null when none was. */
  nameOf(address: string): string | null
}

const HEADER_BYTES = 12
const TYPE_A = 1
const CLASS_IN = 1
const TTL_SECONDS = 60
const NO_ERROR = 0
const FORMAT_ERROR = 1
const SERVER_FAILURE = 2
const NO_SUCH_NAME = 3
/** A name of at least two labels; what has only one is not on the internet. */
const NAME = /^(?=.{1,253}$)(?:[a-z0-9_-]{1,63}\.)+[a-z0-9_-]{1,63}$/
/** From 127.64.0.1 on, so that a server's own loopback addresses stay its own. */
const FIRST_ADDRESS = 0x7f_40_00_01
const MAX_NAMES = 4_096

/** @param allows whether a name may be known; others do not exist */
export function createResolver(allows: (name: string) => boolean): Resolver {
  const addresses = new Map<string, number>()
  const names = new Map<string, string>()

  const addressOf = (name: string): number | null => {
    const known = addresses.get(name)
    if (known !== undefined) return known
    if (addresses.size >= MAX_NAMES) return null
    const address = FIRST_ADDRESS + addresses.size
    addresses.set(name, address)
    names.set(addressText(address), name)
    return address
  }

  return {
    answer: (query) => {
      // A question, and not somebody else's answer: nobody is to be answered for ever.
      if (query.length < HEADER_BYTES || (query.readUInt8(2) & 0x80) !== 0) return null
      const question = readQuestion(query)
      if (question === null) return response(query, HEADER_BYTES, FORMAT_ERROR, null)
      const { name, type, end } = question
      if (!NAME.test(name) || !allows(name)) return response(query, end, NO_SUCH_NAME, null)
      // The name is there, but has no address of another kind.
      if (type !== TYPE_A) return response(query, end, NO_ERROR, null)
      const address = addressOf(name)
      return response(query, end, address === null ? SERVER_FAILURE : NO_ERROR, address)
    },
    nameOf: (address) => names.get(address) ?? null,
  }
}

/** The one question of a query, with the name in small letters; null when it is not exactly one. */
function readQuestion(query: Buffer): { name: string; type: number; end: number } | null {
  const isPlain = (query.readUInt8(2) & 0x78) === 0
  if (!isPlain || query.readUInt16BE(4) !== 1) return null
  const labels: string[] = []
  let at = HEADER_BYTES
  for (;;) {
    const length = query[at]
    // Longer ones are pointers, and there is nothing before a question that one could point to.
    if (length === undefined || length > 63) return null
    at += 1
    if (length === 0) break
    labels.push(query.toString('latin1', at, at + length))
    at += length
  }
  if (at + 4 > query.length || query.readUInt16BE(at + 2) !== CLASS_IN) return null
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at), end: at + 4 }
}

/** @param end where the question ends, which is repeated */
function response(query: Buffer, end: number, code: number, address: number | null): Buffer {
  const head = Buffer.from(query.subarray(0, end))
  // Answer, recursion desired as it was asked, recursion available.
  head.writeUInt8(0x80 | (head.readUInt8(2) & 0x01), 2)
  head.writeUInt8(0x80 | code, 3)
  head.writeUInt16BE(end > HEADER_BYTES ? 1 : 0, 4)
  head.writeUInt16BE(address === null ? 0 : 1, 6)
  head.writeUInt32BE(0, 8)
  if (address === null) return head
  const record = Buffer.alloc(16)
  // The name is that of the question.
  record.writeUInt16BE(0xc0_00 | HEADER_BYTES, 0)
  record.writeUInt16BE(TYPE_A, 2)
  record.writeUInt16BE(CLASS_IN, 4)
  record.writeUInt32BE(TTL_SECONDS, 6)
  record.writeUInt16BE(4, 10)
  record.writeUInt32BE(address, 12)
  return Buffer.concat([head, record])
}

function addressText(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.')
}
