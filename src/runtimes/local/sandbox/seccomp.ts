import { CLONE, FORBIDDEN, IOCTL, SOCKET, UNKNOWN } from './system-calls.ts'

/** Architectures for which the filter is known. */
export type SeccompArchitecture = 'x64' | 'arm64'

const EPERM = 1
const ENOSYS = 38
const EAFNOSUPPORT = 97

// linux/audit.h
const AUDIT_ARCH: Readonly<Record<SeccompArchitecture, number>> = { x64: 0xc000_003e, arm64: 0xc000_00b7 }
// linux/seccomp.h
const ALLOW = 0x7fff_0000
const KILL_PROCESS = 0x8000_0000
const errno = (code: number): number => 0x0005_0000 | code

// struct seccomp_data: number, architecture, instruction pointer, six arguments of 64 bits (low half first)
const NUMBER = 0
const ARCHITECTURE = 4
const argument = (index: number): number => 16 + index * 8

// Calls of the 32-bit ABI inside x86-64 carry this bit; they would pass by numbers that mean something else.
const X32_BIT = 0x4000_0000

// CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
const NEW_NAMESPACES = 0x7e02_0000
// Pushing input into a terminal: TIOCSTI, TIOCLINUX
const TERMINAL_INJECTION = [0x5412, 0x541c]
// AF_UNIX, AF_INET, AF_INET6, AF_NETLINK. In particular not AF_VSOCK, which reaches the hypervisor past any namespace.
const SOCKET_FAMILIES = [1, 2, 10, 16]

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number]

// linux/bpf_common.h
const load = (offset: number): Instruction => [0x20, 0, 0, offset]
const jumpIfEqual = (value: number, ifTrue: number, ifFalse: number): Instruction => [
  0x15,
  ifTrue,
  ifFalse,
  value,
]
const jumpIfAnyBit = (value: number, ifTrue: number, ifFalse: number): Instruction => [
  0x45,
  ifTrue,
  ifFalse,
  value,
]
const answer = (value: number): Instruction => [0x06, 0, 0, value]

/** Answers one call and lets the others go on to the next instruction. */
function refuse(number: number | null, code: number): Instruction[] {
  return number === null ? [] : [jumpIfEqual(number, 0, 1), answer(errno(code))]
}

/** Runs `body` for one call. It must end in an answer; the accumulator is spoiled for nobody else. */
function only(number: number | null, body: readonly Instruction[]): Instruction[] {
  return number === null ? [] : [jumpIfEqual(number, 0, body.length), ...body]
}

/** A classic BPF program for `bwrap --seccomp`, in the byte order of both architectures (little-endian). */
export function seccompFilter(architecture: SeccompArchitecture): Buffer {
  const column = architecture === 'x64' ? 0 : 1
  return assemble([
    load(ARCHITECTURE),
    jumpIfEqual(AUDIT_ARCH[architecture], 1, 0),
    answer(KILL_PROCESS),
    load(NUMBER),
    ...(architecture === 'x64' ? [jumpIfAnyBit(X32_BIT, 0, 1), answer(errno(ENOSYS))] : []),
    ...Object.values(FORBIDDEN).flatMap((numbers) => refuse(numbers[column], EPERM)),
    ...Object.values(UNKNOWN).flatMap((numbers) => refuse(numbers[column], ENOSYS)),
    ...only(CLONE[column], [
      load(argument(0)),
      jumpIfAnyBit(NEW_NAMESPACES, 0, 1),
      answer(errno(EPERM)),
      answer(ALLOW),
    ]),
    ...only(IOCTL[column], [
      load(argument(1)),
      ...TERMINAL_INJECTION.flatMap((request) => refuse(request, EPERM)),
      answer(ALLOW),
    ]),
    ...only(SOCKET[column], [
      load(argument(0)),
      ...SOCKET_FAMILIES.flatMap((family) => [jumpIfEqual(family, 0, 1), answer(ALLOW)]),
      answer(errno(EAFNOSUPPORT)),
    ]),
    answer(ALLOW),
  ])
}

function assemble(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8)
  for (const [index, [code, ifTrue, ifFalse, value]] of program.entries()) {
    bytes.writeUInt16LE(code, index * 8)
    bytes.writeUInt8(ifTrue, index * 8 + 2)
    bytes.writeUInt8(ifFalse, index * 8 + 3)
    bytes.writeUInt32LE(value >>> 0, index * 8 + 4)
  }
  return bytes
}
