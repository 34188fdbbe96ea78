import { infiniteQueryOptions } from '@tanstack/react-query'
import type { RouteInput } from '../../../src/contract/index.ts'
import { api, type LogLine } from './client.ts'

/** Which lines are wanted; what is left out does not matter. */
export type LogFilter = Pick<NonNullable<RouteInput<'listLogs'>['query']>, 'search' | 'stream' | 'since'>

const PAGE = 500
const WHOLE_PAGE = 1000

/** Lines that were stored, from the newest page to the oldest; each page is oldest first. */
export const logsQuery = (id: string, filter: LogFilter = {}) =>
  infiniteQueryOptions({
    queryKey: ['logs', id, filter],
    queryFn: ({ signal, pageParam }) =>
      api.call(
        'listLogs',
        {
          params: { id },
          query: { ...filter, limit: PAGE, ...(pageParam === null ? {} : { before: pageParam }) },
        },
        signal,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: ({ before }) => before,
  })

/** Every line that is kept, oldest first. */
export async function allLogs(id: string, filter: LogFilter): Promise<readonly LogLine[]> {
  const lines: LogLine[] = []
  for (;;) {
    const query = { ...filter, after: lines.at(-1)?.id ?? '0', limit: WHOLE_PAGE }
    const { items } = await api.call('listLogs', { params: { id }, query })
    lines.push(...items)
    if (items.length < WHOLE_PAGE) return lines
  }
}
