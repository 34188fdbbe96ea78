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

type Numbers = readonly [x64: number | null, arm64: number | null]

/** What no MCP server needs and what has let programs out of sandboxes. They get "not permitted". */
const FORBIDDEN: Readonly<Record<string, Numbers>> = {
  // Mounts and namespaces
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  chroot: [161, 51],
  move_mount: [429, 429],
  open_tree: [428, 428],
  fsopen: [430, 430],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fspick: [433, 433],
  mount_setattr: [442, 442],
  unshare: [272, 97],
  setns: [308, 268],
  sethostname: [170, 161],
  setdomainname: [171, 162],
  // Keyrings are not separated by namespace
  add_key: [248, 217],
  request_key: [249, 218],
  keyctl: [250, 219],
  // Other processes
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  kcmp: [312, 272],
  pidfd_getfd: [438, 438],
  // Parts of the kernel with a history
  bpf: [321, 280],
  perf_event_open: [298, 241],
  userfaultfd: [323, 282],
  fanotify_init: [300, 262],
  migrate_pages: [256, 238],
  move_pages: [279, 239],
  open_by_handle_at: [304, 265],
  name_to_handle_at: [303, 264],
  lookup_dcookie: [212, 18],
  personality: [135, 92],
  modify_ldt: [154, null],
  uselib: [134, null],
  ustat: [136, null],
  sysfs: [139, null],
  _sysctl: [156, null],
  // The machine
  init_module: [175, 105],
  finit_module: [313, 273],
  delete_module: [176, 106],
  create_module: [174, null],
  kexec_load: [246, 104],
  kexec_file_load: [320, 294],
  reboot: [169, 142],
  swapon: [167, 224],
  swapoff: [168, 225],
  acct: [163, 89],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  nfsservctl: [180, 42],
  iopl: [172, null],
  ioperm: [173, null],
  settimeofday: [164, 170],
  clock_settime: [227, 112],
  clock_adjtime: [305, 266],
  adjtimex: [159, 171],
  syslog: [103, 116],
  vhangup: [153, 58],
}

/** Answered with "no such call", so that libraries fall back to the older one. */
const UNKNOWN: Readonly<Record<string, Numbers>> = {
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  // Its flags are in memory, out of a filter's sight
  clone3: [435, 435],
}

const CLONE: Numbers = [56, 220]
const SOCKET: Numbers = [41, 198]
const IOCTL: Numbers = [16, 29]

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
