import { infiniteQueryOptions } from '@tanstack/react-query'
import type { RouteOutput } from '../../../src/contract/index.ts'
import { api } from './client.ts'

export type Call = RouteOutput<'listCalls'>['items'][number]

export interface CallFilter {
  /** Slug. */
  readonly deployment: string | undefined
  readonly tool: string | undefined
  /** Address of a person, or id of who called. */
  readonly subject: string | undefined
  readonly outcome: Call['outcome'] | undefined
}

const PAGE = 100
const AGAIN_MS = 10_000

/** Calls that fit, page by page, newest first. */
export const callsQuery = (filter: CallFilter) =>
  infiniteQueryOptions({
    queryKey: ['calls', filter],
    queryFn: ({ signal, pageParam }) =>
      api.call('listCalls', { query: { ...filter, before: pageParam, limit: PAGE } }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ before }) => before ?? undefined,
    refetchInterval: AGAIN_MS,
  })
