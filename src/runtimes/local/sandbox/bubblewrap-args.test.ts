import { expect, test } from 'vitest'
import { bubblewrapArgs, environmentWords, type Sandbox } from './bubblewrap-args.ts'

const sandbox: Sandbox = {
  features: { size: true, disableUserns: true, perms: true },
  system: {
    directories: ['/usr'],
    links: [{ path: '/bin', target: 'usr/bin' }],
    files: [{ source: '/data/toolchain/x/etc/passwd', target: '/etc/passwd' }],
  },
  mounts: [
    { source: '/data/store/x', target: '/opt/catwalk/package', writable: false },
    { source: '/data/deployments/dep_1/home', target: '/home/server', writable: true },
  ],
  workingDirectory: '/home/server',
  command: ['/opt/catwalk/toolchain/bin/node', 'index.js', '--flag'],
  readsEnvironment: false,
}

test('a sandbox shares nothing with the host but what is listed', () => {
  expect(bubblewrapArgs(sandbox).join(' ')).toBe(
    [
      '--unshare-user --unshare-pid --unshare-ipc --unshare-uts --unshare-net --unshare-cgroup-try --disable-userns',
      '--uid 1000 --gid 1000 --hostname server --die-with-parent --new-session --cap-drop ALL',
      '--ro-bind /usr /usr --symlink usr/bin /bin --ro-bind /data/toolchain/x/etc/passwd /etc/passwd',
      '--proc /proc --dev /dev',
      '--size 67108864 --tmpfs /dev/shm --size 268435456 --tmpfs /tmp --symlink /tmp /var/tmp --dir /run --perms 0700 --size 16777216 --tmpfs /run/credentials',
      '--ro-bind /data/store/x /opt/catwalk/package --bind /data/deployments/dep_1/home /home/server',
      '--remount-ro /dev --remount-ro / --chdir /home/server --seccomp 4 --info-fd 5 --block-fd 6',
      '-- /opt/catwalk/toolchain/bin/node index.js --flag',
    ].join(' '),
  )
})

test('an environment is read from a descriptor, and is in no argument', () => {
  const args = bubblewrapArgs({ ...sandbox, readsEnvironment: true })
  expect(args.slice(0, 2)).toEqual(['--args', '3'])
  expect(args).not.toContain('--setenv')
  const words = environmentWords(
    new Map([
      ['KEY', 'a "b" --bind / /'],
      ['EMPTY', ''],
    ]),
  )
  expect(words).toBe('--setenv\0KEY\0a "b" --bind / /\0--setenv\0EMPTY\0\0')
})

test('an older bubblewrap is not given options that it does not know', () => {
  const args = bubblewrapArgs({ ...sandbox, features: { size: false, disableUserns: false, perms: false } })
  expect(args).not.toContain('--size')
  expect(args).not.toContain('--disable-userns')
  expect(args).not.toContain('--perms')
  expect(args).toContain('--tmpfs')
})
