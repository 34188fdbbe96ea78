import type { Deployment, DeploymentState } from '../../api/client.ts'

/** What the list can be narrowed to: everything, what needs someone, or a state. */
export const FILTERS = ['all', 'attention', 'running', 'deploying', 'sleeping', 'stopped'] as const
export type Filter = (typeof FILTERS)[number]

const RANK: Readonly<Record<DeploymentState, number>> = {
  failed: 0,
  unhealthy: 1,
  deploying: 2,
  deleting: 3,
  running: 4,
  sleeping: 5,
  stopped: 6,
}

export function isFilter(text: string | undefined): text is Filter {
  return FILTERS.some((filter) => filter === text)
}

export function matches(deployment: Deployment, filter: Filter): boolean {
  const { state } = deployment
  switch (filter) {
    case 'all':
      return true
    case 'attention':
      return state === 'failed' || state === 'unhealthy'
    case 'deploying':
      return state === 'deploying' || state === 'deleting'
    case 'running':
    case 'sleeping':
    case 'stopped':
      return state === filter
  }
}

/** The deployments to show: those that match and contain the words, trouble first, then the newest. */
export function shown(
  deployments: readonly Deployment[],
  filter: Filter,
  find: string,
): readonly Deployment[] {
  const words = find.trim().toLowerCase()
  return deployments
    .filter((deployment) => matches(deployment, filter))
    .filter(({ name, slug, source }) => `${name} ${slug} ${source}`.toLowerCase().includes(words))
    .toSorted((a, b) => RANK[a.state] - RANK[b.state] || (a.createdAt < b.createdAt ? 1 : -1))
}
