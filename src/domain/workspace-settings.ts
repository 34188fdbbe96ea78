import type { Secret } from './secret.ts'

/** What a workspace can bring along for services outside, by the names that their own tools use in a `.env` file. */
export const WORKSPACE_SETTINGS = [
  'ANTHROPIC_API_KEY',
  'OPENROUTER_API_KEY',
  'GITHUB_TOKEN',
  'NPM_TOKEN',
  'PYPI_TOKEN',
  'FLY_API_TOKEN',
  'FLY_APP',
] as const

export type WorkspaceSetting = (typeof WORKSPACE_SETTINGS)[number]

export type WorkspaceValues = ReadonlyMap<WorkspaceSetting, Secret>

/** Asks the services outside whether they take a key. */
export interface ServiceKeys {
  /**
   * @param names what is to be checked
   * @param values all that the workspace would then have: some need one another
   * @returns whom the service takes each key for, null where it does not say
   * @throws CatwalkError `service_key_refused`, `service_unreachable`
   */
  check(
    names: readonly WorkspaceSetting[],
    values: WorkspaceValues,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<WorkspaceSetting, string | null>>
}

const LEAST_TO_SHOW = 12

/** What may be shown of a value: its last four letters, unless that is much of it. A name of an app is no secret. */
export function maskedValue(name: WorkspaceSetting, value: string): string {
  if (name === 'FLY_APP') return value
  return value.length < LEAST_TO_SHOW ? '…' : `…${value.slice(-4)}`
}
