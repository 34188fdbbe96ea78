export const WAYS = ['bridge', 'endpoint'] as const
export const FIXTURES = ['legacy', 'dual', 'modern'] as const
export const REVISIONS = ['2025-11-25', '2026-07-28'] as const

/** How the suite gets to a fixture: `bin/catwalk bridge`, or a deployment of a whole Catwalk. */
export type Way = (typeof WAYS)[number]
export type Fixture = (typeof FIXTURES)[number]
export type Revision = (typeof REVISIONS)[number]

/** Fixtures that are ready to be called. */
export interface Opened extends AsyncDisposable {
  /** Where a fixture answers, without any authorisation; or why it does not. */
  url(fixture: Fixture): Promise<string | { readonly failed: string }>
}
