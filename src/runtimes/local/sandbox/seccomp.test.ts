import { describe, expect, test } from 'vitest'
import { seccompFilter, type SeccompArchitecture } from './seccomp.ts'

const ARCH = { x64: 0xc000_003e, arm64: 0xc000_00b7 } as const
const ALLOW = 0x7fff_0000
const KILL = 0x8000_0000
const errno = (code: number): number => 0x0005_0000 | code

/** Runs the program as the kernel would, for one call. */
function judge(filter: Buffer, architecture: number, number: number, args: readonly number[] = []): number {
  const data = Buffer.alloc(64)
  data.writeUInt32LE(number >>> 0, 0)
  data.writeUInt32LE(architecture >>> 0, 4)
  for (const [index, value] of args.entries()) data.writeUInt32LE(value >>> 0, 16 + index * 8)
  let accumulator = 0
  for (let position = 0; position < filter.length / 8; position += 1) {
    const code = filter.readUInt16LE(position * 8)
    const [ifTrue, ifFalse] = [filter.readUInt8(position * 8 + 2), filter.readUInt8(position * 8 + 3)]
    const value = filter.readUInt32LE(position * 8 + 4)
    if (code === 0x20) accumulator = data.readUInt32LE(value)
    else if (code === 0x15) position += accumulator === value ? ifTrue : ifFalse
    else if (code === 0x45) position += (accumulator & value) !== 0 ? ifTrue : ifFalse
    else if (code === 0x06) return value
    else throw new Error(`unknown instruction ${code}`)
  }
  throw new Error('the program ran off its end')
}

const CALLS: Readonly<Record<SeccompArchitecture, Readonly<Record<string, number>>>> = {
  x64: {
    read: 0,
    mount: 165,
    unshare: 272,
    ptrace: 101,
    bpf: 321,
    keyctl: 250,
    clone: 56,
    clone3: 435,
    socket: 41,
    ioctl: 16,
  },
  arm64: {
    read: 63,
    mount: 40,
    unshare: 97,
    ptrace: 117,
    bpf: 280,
    keyctl: 219,
    clone: 220,
    clone3: 435,
    socket: 198,
    ioctl: 29,
  },
}

describe.each(['x64', 'arm64'] as const)('on %s', (architecture) => {
  const filter = seccompFilter(architecture)
  const ask = (name: string, ...args: number[]): number =>
    judge(filter, ARCH[architecture], CALLS[architecture][name] ?? -1, args)

  test('ordinary calls pass', () => {
    expect(ask('read', 0)).toBe(ALLOW)
    expect(ask('ioctl', 0, 0x5413)).toBe(ALLOW)
  })

  test.each(['mount', 'unshare', 'ptrace', 'bpf', 'keyctl'])('%s is not permitted', (name) => {
    expect(ask(name)).toBe(errno(1))
  })

  test('threads and processes may be made, namespaces not', () => {
    expect(ask('clone', 0x003d_0f00)).toBe(ALLOW)
    expect(ask('clone', 17)).toBe(ALLOW)
    for (const bit of [0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000]) {
      expect(ask('clone', bit | 17)).toBe(errno(1))
    }
    expect(ask('clone3')).toBe(errno(38))
  })

  test('nothing can be typed into a terminal', () => {
    expect(ask('ioctl', 0, 0x5412)).toBe(errno(1))
    expect(ask('ioctl', 0, 0x541c)).toBe(errno(1))
  })

  test('sockets are for Unix, IPv4, IPv6 and netlink, not for the hypervisor or raw packets', () => {
    for (const family of [1, 2, 10, 16]) expect(ask('socket', family)).toBe(ALLOW)
    for (const family of [17, 31, 38, 40]) expect(ask('socket', family)).toBe(errno(97))
  })

  test('a call of another architecture ends the program', () => {
    expect(judge(filter, 0x4000_0003, 0)).toBe(KILL)
  })
})

test('calls of the x32 ABI do not exist', () => {
  expect(judge(seccompFilter('x64'), ARCH.x64, 0x4000_0000 | 165)).toBe(errno(38))
})
