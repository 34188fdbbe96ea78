import type { ServiceUser } from './service-user.ts'

/** Options of `spawn` and `execFile` for PostgreSQL's programs: the user's rights and nothing of our environment. */
export function asUser(user: ServiceUser): {
  cwd: string
  env: NodeJS.ProcessEnv
  uid?: number
  gid?: number
} {
  return {
    // The service user may not be able to enter ours.
    cwd: '/',
    // Messages in English, because we read them.
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
    // Node sets them after giving up all supplementary groups. Only root can, and only root has to.
    ...(process.getuid?.() === 0 ? { uid: user.uid, gid: user.gid } : {}),
  }
}
