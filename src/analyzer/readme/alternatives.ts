import type { Evidence } from '../../domain/index.ts'
import type { DemandFact } from '../facts.ts'
import { looksSecret } from '../names.ts'

/** A heading or comment that begins one of several ways: `Option 1: API token`, `--- METHOD 2: … ---`, `Variant B`. */
export const IS_WAY =
  /^[\s#*=~_–—-]*(?:option|method|alternative|variant|choice|approach|way)\s*(?:#\s*)?(?:\d|[A-D]\b)/i
const MOST_WAYS = 6
const MOST_NAMES = 6

/**
 * Several ways to sign in, each with variables of its own, as alternatives. Ways with the same variables are ways to
 * install, which say nothing about what must be given.
 */
export function alternativesOf(
  ways: readonly { readonly names: readonly string[]; readonly evidence: Evidence }[],
): readonly DemandFact[] {
  const kept: (readonly string[])[] = []
  for (const { names } of ways) {
    const some = [...new Set(names)]
      .filter((name) => looksSecret(name) || isIdentity(name))
      .slice(0, MOST_NAMES)
    if (!some.some((name) => looksSecret(name))) continue
    if (kept.some((other) => other.every((name) => some.includes(name)))) continue
    if (kept.some((other) => other.some((name) => some.includes(name)))) return []
    kept.push(some)
  }
  const evidence = ways[0]?.evidence
  if (evidence === undefined || kept.length < 2 || kept.length > MOST_WAYS) return []
  return [{ kind: 'demand', alternatives: kept, evidence }]
}

function isIdentity(name: string): boolean {
  return /(?:^|_)(?:USER|USERNAME|EMAIL|LOGIN|CLIENT_ID)$/.test(name)
}
