import type { Analysis, CreateDeployment, Deployment } from '../../api/client.ts'

/** What the review form holds. */
export interface ReviewValues {
  name: string
  slug: string
  variables: { name: string; value: string }[]
  /** One argument a line. */
  args: string
  executable: string
  network: 'none' | 'internet'
  /** As typed; empty for the default. */
  memoryMiB: string
  /** What to do with install scripts; empty until it is decided. */
  scripts: '' | 'leave' | 'run'
  deprecatedConfirmed: boolean
}

/** What the form starts with: from the analysis, and from the deployment that is to be deployed again. */
export function initialValues(analysis: Analysis, again: Deployment | undefined): ReviewValues {
  const release = again?.release
  return {
    name: again?.name ?? analysis.name,
    slug: analysis.slug,
    variables: release?.variables.map(({ name }) => ({ name, value: '' })) ?? [],
    args: release?.args.join('\n') ?? '',
    executable: '',
    network: release?.network ?? 'internet',
    memoryMiB: release === undefined ? '' : String(release.memoryMiB),
    scripts: '',
    deprecatedConfirmed: false,
  }
}

/** Why it cannot be deployed yet, in words; null when it can. */
export function blockedBecause(
  analysis: Analysis,
  decided: Pick<ReviewValues, 'scripts' | 'deprecatedConfirmed'>,
  runtimeOk: boolean,
): string | null {
  if (!runtimeOk) return 'Servers cannot be started on this machine yet. See the note at the top.'
  const has = (code: Analysis['warnings'][number]['code']) => analysis.warnings.some((w) => w.code === code)
  if (has('install_scripts') && decided.scripts === '') return 'Decide about the install scripts first.'
  if (has('deprecated') && !decided.deprecatedConfirmed) return 'Confirm the note above first.'
  return null
}

/** The request that the form stands for. Rows without a name and a value are left out. */
export function toRequest(analysis: Analysis, values: ReviewValues): CreateDeployment {
  const variables = values.variables.filter(({ name, value }) => name.trim() !== '' || value !== '')
  const memory = values.memoryMiB.trim()
  return {
    source: analysis.source,
    name: values.name,
    // A suggestion that was left alone is the server's to make: what was free may be taken by now.
    ...(values.slug === analysis.slug ? {} : { slug: values.slug }),
    variables: Object.fromEntries(variables.map(({ name, value }) => [name.trim(), value])),
    args: values.args.split('\n').filter((line) => line !== ''),
    ...(values.executable === '' ? {} : { executable: values.executable }),
    network: values.network,
    allowScripts: values.scripts === 'run',
    ...(memory === '' ? {} : { memoryMiB: Number(memory) }),
  }
}
