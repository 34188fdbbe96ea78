import type { WorkspaceSetting, WorkspaceSettingValues } from '../../api/client.ts'

type SettingName = WorkspaceSetting['name']
export type Values = WorkspaceSettingValues

/** What is set together. */
export interface Row {
  readonly title: string
  readonly use: string
  readonly names: readonly SettingName[]
}

export const ROWS: readonly Row[] = [
  {
    title: 'Anthropic',
    use: 'The language model that helps analyses',
    names: ['ANTHROPIC_API_KEY'],
  },
  {
    title: 'OpenRouter',
    use: 'The same, where there is no key for Anthropic',
    names: ['OPENROUTER_API_KEY'],
  },
  { title: 'GitHub', use: 'Private repositories', names: ['GITHUB_TOKEN'] },
  { title: 'npm', use: 'Private packages', names: ['NPM_TOKEN'] },
  { title: 'PyPI', use: 'Private packages', names: ['PYPI_TOKEN'] },
  { title: 'Fly', use: 'The app that machines belong to', names: ['FLY_API_TOKEN', 'FLY_APP'] },
]

export const FIELDS: Readonly<
  Record<SettingName, { readonly label: string; readonly hint: string; readonly isSecret: boolean }>
> = {
  ANTHROPIC_API_KEY: {
    label: 'API key',
    hint: 'From console.anthropic.com, begins with sk-ant-.',
    isSecret: true,
  },
  OPENROUTER_API_KEY: {
    label: 'API key',
    hint: 'From openrouter.ai/keys, begins with sk-or-.',
    isSecret: true,
  },
  GITHUB_TOKEN: {
    label: 'Token',
    hint: 'One that may read the contents of the repositories, and nothing else.',
    isSecret: true,
  },
  NPM_TOKEN: { label: 'Access token', hint: 'A read-only one of the registry is enough.', isSecret: true },
  PYPI_TOKEN: { label: 'Token', hint: 'For the Python index that Catwalk is set up with.', isSecret: true },
  FLY_API_TOKEN: { label: 'Deploy token', hint: 'fly tokens create deploy --app NAME', isSecret: true },
  FLY_APP: { label: 'App', hint: 'Its name. fly apps create NAME makes one.', isSecret: false },
}

/** Those of the variables that are settings. */
export function known(variables: readonly { readonly name: string; readonly value: string }[]): Values {
  return Object.fromEntries(
    variables
      .filter(({ name, value }) => name in FIELDS && value !== '')
      .map(({ name, value }) => [name, value]),
  )
}
