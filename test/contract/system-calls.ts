import { FORBIDDEN, UNKNOWN, CLONE, type Numbers } from '../../src/runtimes/local/sandbox/system-calls.ts'

/** By the name of a call: `worked`, or the name of the error. */
export type Outcomes = Readonly<Record<string, string>>

type Call = readonly [numbers: Numbers | undefined, ...args: readonly (number | string)[]]

const NEW_NAMESPACE = 0x00_02_00_00
const NEW_USER = 0x10_00_00_00
const SIGCHLD = 17
const SEIZE = 0x42_06

/**
 * With arguments that the kernel would take, or that would fail by another error than that of a refusal. None does any
 * harm where it is not refused.
 */
export const FORBIDDEN_EVERYWHERE: Readonly<Record<string, Call>> = {
  mount: [FORBIDDEN['mount'], 'none', '/tmp', 'tmpfs', 0, 0],
  umount2: [FORBIDDEN['umount2'], '/tmp', 0],
  pivot_root: [FORBIDDEN['pivot_root'], '/tmp', '/tmp'],
  chroot: [FORBIDDEN['chroot'], '/'],
  fsopen: [FORBIDDEN['fsopen'], 'tmpfs', 0],
  unshare_user: [FORBIDDEN['unshare'], NEW_USER],
  unshare_mount: [FORBIDDEN['unshare'], NEW_NAMESPACE],
  clone_user: [CLONE, NEW_USER | SIGCHLD, 0, 0, 0, 0],
  clone3: [UNKNOWN['clone3'], 0, 0],
  sethostname: [FORBIDDEN['sethostname'], 'x', 1],
  add_key: [FORBIDDEN['add_key'], 'user', 'catwalk', 'x', 1, -3],
  keyctl: [FORBIDDEN['keyctl'], 0, -3, 0],
  request_key: [FORBIDDEN['request_key'], 'user', 'catwalk', 0, -3],
  open_by_handle_at: [FORBIDDEN['open_by_handle_at'], 0, 0, 0],
  bpf: [FORBIDDEN['bpf'], 0, 0, 0],
  userfaultfd: [FORBIDDEN['userfaultfd'], 0],
  init_module: [FORBIDDEN['init_module'], 0, 0, ''],
  kexec_load: [FORBIDDEN['kexec_load'], 0, 0, 0, 0],
  reboot: [FORBIDDEN['reboot'], 0, 0, 0, 0],
  swapon: [FORBIDDEN['swapon'], '/tmp', 0],
  clock_settime: [FORBIDDEN['clock_settime'], 0, 0],
  quotactl: [FORBIDDEN['quotactl'], 0, '/', 0, 0],
}

/** What our own filter refuses besides, and those of some engines do not. */
export const FORBIDDEN_BY_OURS: Readonly<Record<string, Call>> = {
  io_uring_setup: [UNKNOWN['io_uring_setup'], 1, 0],
  ptrace: [FORBIDDEN['ptrace'], SEIZE, 1, 0, 0],
  process_vm_readv: [FORBIDDEN['process_vm_readv'], 1, 0, 0, 0, 0, 0],
  pidfd_getfd: [FORBIDDEN['pidfd_getfd'], 0, 0, 0],
  name_to_handle_at: [FORBIDDEN['name_to_handle_at'], 0, '', 0, 0, 0],
}

const PIDFD_OPEN: Numbers = [434, 434]
const KILL: Numbers = [62, 129]

/** What a debugger would do to a process. */
export const attemptsOn = (pid: number): Readonly<Record<string, Call>> => ({
  ptrace: [FORBIDDEN['ptrace'], SEIZE, pid, 0, 0],
  process_vm_readv: [FORBIDDEN['process_vm_readv'], pid, 0, 0, 0, 0, 0],
  pidfd_open: [PIDFD_OPEN, pid, 0],
  kill: [KILL, pid, 0],
})

/** Code for the evaluator that makes system calls by number, by way of Python, and returns what became of each. */
export function syscallsIn(calls: Readonly<Record<string, Call>>): string {
  const at = process.arch === 'arm64' ? 1 : 0
  const numbered = Object.entries(calls).flatMap(([name, [numbers, ...args]]) => {
    const number = numbers?.[at]
    return typeof number === 'number' ? [[name, number, ...args]] : []
  })
  return `return JSON.parse(require('child_process').execFileSync('/usr/bin/python3', ['-c', ${JSON.stringify(SCRIPT)}, ${JSON.stringify(JSON.stringify(numbered))}], { encoding: 'utf8' }))`
}

const SCRIPT = `
import ctypes, errno, json, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def word(value):
    return ctypes.c_char_p(value.encode()) if isinstance(value, str) else ctypes.c_long(value)
found = {}
for name, number, *args in json.loads(sys.argv[1]):
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *map(word, args))
    if result == 0 and name.startswith('clone'):
        os._exit(0)
    found[name] = 'worked' if result >= 0 else errno.errorcode.get(ctypes.get_errno(), 'unknown')
print(json.dumps(found))
`
