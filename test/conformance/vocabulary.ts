import type { RuntimeKind } from '../../src/domain/index.ts'

export const RUNTIMES = ['local', 'docker', 'fly', 'kubernetes', 'remote'] as const satisfies RuntimeKind[]
export const WAYS = ['bridge', ...RUNTIMES] as const
export const FIXTURES = ['legacy', 'dual', 'modern'] as const
export const REVISIONS = ['2025-11-25', '2026-07-28'] as const

/** How the suite gets to a fixture: `bin/catwalk bridge`, or a deployment of a whole Catwalk on one of its runtimes. */
export type Way = (typeof WAYS)[number]
export type Fixture = (typeof FIXTURES)[number]
export type Revision = (typeof REVISIONS)[number]

/** Where a fixture answers, without any authorisation; or why it does not. */
export type Found = string | { readonly failed: string }
