import type { RouteOutput } from '../../contract/index.ts'
import { CHECKS, checks, type DoctorDependencies, type Verdict } from './checks.ts'
import { anySignal } from '../../domain/index.ts'

type Findings = RouteOutput<'getDoctor'>

const CHECK_TIMEOUT_MS = 10_000

/** Looks at everything that Catwalk depends on. No check stops another, and none takes longer than its time. */
export function createDoctor(deps: DoctorDependencies): {
  getDoctor: (asked: { readonly signal: AbortSignal }) => Promise<Findings>
} {
  return {
    getDoctor: async ({ signal }) => {
      const items = await Promise.all(
        CHECKS.map(async (name) => ({
          name,
          ...(await inTime(checks[name], deps, signal)),
          docs: `/docs/doctor#${name}`,
        })),
      )
      return { healthy: items.every(({ level }) => level !== 'error'), items }
    },
  }
}

async function inTime(
  check: (deps: DoctorDependencies, signal: AbortSignal) => Promise<Verdict>,
  deps: DoctorDependencies,
  signal: AbortSignal,
): Promise<Verdict> {
  const limit = AbortSignal.timeout(CHECK_TIMEOUT_MS)
  const late = new Promise<never>((_, reject) => {
    limit.addEventListener('abort', () => reject(new Error('too late')), { once: true })
  })
  try {
    return await Promise.race([check(deps, anySignal([signal, limit])), late])
  } catch {
    return {
      level: 'error',
      detail: 'It could not be looked at within 10 s.',
      fix: 'Read the log of Catwalk from this moment.',
    }
  }
}
