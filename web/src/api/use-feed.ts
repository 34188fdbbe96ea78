import { skipToken, useQuery, useQueryClient, type QueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { api, schemas, type Deployment, type DeploymentEvent, type LogLine } from './client.ts'
import { addToFeed, emptyFeed, type Feed } from './feed.ts'

const FLUSH_MS = 60
const REOPEN_MS = 3000
// A browser opens six connections to one origin at most; tabs that nobody looks at must not hold them all.
const HIDDEN_MS = 60_000

const feedKey = (id: string) => ['feed', id] as const

/** Follows a deployment's live feed while mounted; what it tells lands in the query cache. */
export function useFeed(id: string, onDeleted: () => void): Feed {
  const queryClient = useQueryClient()
  useEffect(() => followFeed(queryClient, id, onDeleted), [queryClient, id, onDeleted])
  return useFeedSoFar(id)
}

/** What the feed has told so far, for parts of a room whose page follows it. */
export function useFeedSoFar(id: string): Feed {
  return useQuery<Feed>({ queryKey: feedKey(id), queryFn: skipToken }).data ?? emptyFeed
}

function followFeed(queryClient: QueryClient, id: string, onDeleted: () => void): () => void {
  let source: EventSource | undefined
  let reopening: ReturnType<typeof setTimeout> | undefined
  let flushing: ReturnType<typeof setTimeout> | undefined
  let hiding: ReturnType<typeof setTimeout> | undefined
  let events: DeploymentEvent[] = []
  let logs: LogLine[] = []

  const update = (change: (feed: Feed) => Feed) =>
    queryClient.setQueryData(feedKey(id), (feed: Feed | undefined) => change(feed ?? emptyFeed))

  // A server can print thousands of lines a second; the page is drawn once for each batch.
  const flush = () => {
    flushing = undefined
    const arrived = { events, logs }
    events = []
    logs = []
    update((feed) => addToFeed(feed, arrived))
  }
  const flushSoon = () => {
    flushing ??= setTimeout(flush, FLUSH_MS)
  }

  const open = () => {
    source = new EventSource(api.url('streamFeed', { params: { id } }))
    source.addEventListener('open', () => update((feed) => ({ ...feed, connected: true })))
    source.addEventListener('deployment', ({ data }) => {
      const deployment = parse(schemas.Deployment, data)
      if (deployment) storeDeployment(queryClient, deployment)
    })
    source.addEventListener('event', ({ data }) => {
      const event = parse(schemas.Event, data)
      if (event) events.push(event)
      if (event?.kind === 'tools.sighted') void queryClient.invalidateQueries({ queryKey: ['tools', id] })
      if (event?.kind === 'update.found') void queryClient.invalidateQueries({ queryKey: ['update', id] })
      flushSoon()
    })
    source.addEventListener('log', ({ data }) => {
      const line = parse(schemas.LogLine, data)
      if (line) logs.push(line)
      flushSoon()
    })
    source.addEventListener('deleted', () => {
      close()
      onDeleted()
    })
    source.addEventListener('error', () => {
      update((feed) => ({ ...feed, connected: false }))
      // The browser reconnects by itself after a broken connection, but gives up after an answer that is no stream.
      if (source?.readyState !== EventSource.CLOSED) return
      reopening = setTimeout(() => {
        // Tells a lost session, a deleted deployment and a server that is away apart.
        void queryClient.invalidateQueries({ queryKey: ['deployment'] })
        open()
      }, REOPEN_MS)
    })
  }

  const pause = () => {
    source?.close()
    source = undefined
    clearTimeout(reopening)
    update((feed) => ({ ...feed, connected: false }))
  }
  const onVisibility = () => {
    clearTimeout(hiding)
    if (document.hidden) hiding = setTimeout(pause, HIDDEN_MS)
    else if (source === undefined) open()
  }
  const close = () => {
    document.removeEventListener('visibilitychange', onVisibility)
    clearTimeout(hiding)
    clearTimeout(flushing)
    pause()
  }

  document.addEventListener('visibilitychange', onVisibility)
  open()
  return close
}

interface Schema<T> {
  safeParse(value: unknown): { success: true; data: T } | { success: false }
}

function parse<T>(schema: Schema<T>, data: unknown): T | undefined {
  if (typeof data !== 'string') return undefined
  try {
    const result = schema.safeParse(JSON.parse(data))
    return result.success ? result.data : undefined
  } catch {
    return undefined
  }
}

/** Puts a newer version of a deployment wherever the cache holds it, and refreshes what hangs on its release. */
export function storeDeployment(queryClient: QueryClient, deployment: Deployment): void {
  const key = ['deployment', deployment.slug]
  const before = queryClient.getQueryData<Deployment>(key)
  queryClient.setQueryData(key, deployment)
  queryClient.setQueryData(['deployments'], (list: readonly Deployment[] | undefined) =>
    list?.map((item) => (item.id === deployment.id ? deployment : item)),
  )
  if (before?.release.id !== deployment.release.id || before.release.state !== deployment.release.state) {
    void queryClient.invalidateQueries({ queryKey: ['releases', deployment.id] })
  }
  if (before?.liveRelease !== deployment.liveRelease) {
    void queryClient.invalidateQueries({ queryKey: ['catalogue', deployment.id] })
    void queryClient.invalidateQueries({ queryKey: ['update', deployment.id] })
    void queryClient.invalidateQueries({ queryKey: ['tools', deployment.id] })
  }
}
