import { queryOptions } from '@tanstack/react-query'
import type { RouteOutput } from '../../../src/contract/index.ts'
import { api } from './client.ts'

export type Usage = RouteOutput<'getUsage'>
export type UsageBy = Usage['by']
export type Cost = RouteOutput<'getCost'>['items'][number]
export type Quotas = RouteOutput<'getQuotas'>

const HOUR_MS = 3_600_000
const AGAIN_MS = 30_000

interface Wanted {
  readonly deployment: string | undefined
  /** How far back. */
  readonly hours: number
}

function rangeOf({ deployment, hours }: Wanted) {
  return {
    ...(deployment === undefined ? {} : { deployment }),
    since: new Date(Date.now() - hours * HOUR_MS).toISOString(),
  }
}

export const usageQuery = (wanted: Wanted & { readonly by: UsageBy }) =>
  queryOptions({
    queryKey: ['usage', wanted],
    queryFn: ({ signal }) => api.call('getUsage', { query: { ...rangeOf(wanted), by: wanted.by } }, signal),
    refetchInterval: AGAIN_MS,
  })

export const costQuery = (wanted: Wanted) =>
  queryOptions({
    queryKey: ['cost', wanted],
    queryFn: ({ signal }) => api.call('getCost', { query: rangeOf(wanted) }, signal),
    refetchInterval: AGAIN_MS,
  })

export const quotasQuery = queryOptions({
  queryKey: ['quotas'],
  queryFn: ({ signal }) => api.call('getQuotas', {}, signal),
})
