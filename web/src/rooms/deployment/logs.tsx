import { keepPreviousData, useInfiniteQuery, useMutation } from '@tanstack/react-query'
import { Download, Search } from 'lucide-react'
import { useMemo, useState } from 'react'
import { compareIds } from '../../api/feed.ts'
import { allLogs, logsQuery, type LogFilter } from '../../api/logs.ts'
import { useFeedSoFar } from '../../api/use-feed.ts'
import { Button } from '../../kit/button.tsx'
import { CopyButton } from '../../kit/copy-button.tsx'
import { download } from '../../kit/download.ts'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Input, Select } from '../../kit/field.tsx'
import { plural } from '../../kit/format.ts'
import { Log, logText } from '../../kit/log.tsx'
import { Segmented } from '../../kit/segmented.tsx'
import { Skeleton } from '../../kit/skeleton.tsx'
import { useSettled } from '../../kit/use-settled.ts'
import { useCurrent } from './current.ts'
import { Follow } from './follow.tsx'
import { filterLines, LOG_STREAMS, type LogStream } from './streams.ts'
import './logs.css'

const TYPING_MS = 250
const AGES = [
  { value: '', label: 'Any time' },
  { value: '15', label: 'Last 15 minutes' },
  { value: '60', label: 'Last hour' },
  { value: '1440', label: 'Last day' },
  { value: '10080', label: 'Last week' },
] as const

/** What was printed: searched at the server, and followed live. */
export function Logs() {
  const { id, slug } = useCurrent()
  const feed = useFeedSoFar(id)
  const [stream, setStream] = useState<LogStream>('all')
  const [find, setFind] = useState('')
  const [since, setSince] = useState({ minutes: '', at: undefined as string | undefined })
  const [follow, setFollow] = useState(true)
  const settled = useSettled(find.trim(), TYPING_MS)
  const filter: LogFilter = {
    ...(settled === '' ? {} : { search: settled }),
    ...(stream === 'all' ? {} : { stream }),
    ...(since.at === undefined ? {} : { since: since.at }),
  }
  const query = useInfiniteQuery({ ...logsQuery(id, filter), placeholderData: keepPreviousData })
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage, isPlaceholderData } = query
  const stored = useMemo(() => data?.pages.toReversed().flatMap(({ items }) => items) ?? [], [data])
  const newest = stored.at(-1)?.id
  // What came since; what came before was asked for.
  const live = useMemo(
    () =>
      data === undefined
        ? []
        : filterLines(feed.logs, stream, settled).filter(
            (line) => newest === undefined || compareIds(line.id, newest) > 0,
          ),
    [data, feed.logs, stream, settled, newest],
  )
  const lines = useMemo(() => [...stored, ...live], [stored, live])
  const save = useMutation({
    mutationFn: () => allLogs(id, filter),
    onSuccess: (found) => download(`${slug}.log`, logText(found)),
  })
  const isNarrowed = Object.keys(filter).length > 0
  return (
    <div className="tab stack">
      <div className="log-filters" role="search">
        <div className="scroll-s">
          <Segmented label="Stream" value={stream} options={LOG_STREAMS} onChange={setStream} />
        </div>
        <Input
          small
          className="find"
          icon={Search}
          type="search"
          maxLength={200}
          aria-label="Search the log"
          placeholder="Search"
          value={find}
          onChange={({ target }) => setFind(target.value)}
        />
        <Select
          small
          aria-label="Time"
          value={since.minutes}
          onChange={({ target: { value } }) => setSince({ minutes: value, at: minutesAgo(value) })}
        >
          {AGES.map(({ value, label }) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </Select>
        <div className="row push">
          <CopyButton what="the shown lines" text={() => logText(lines)} />
          <Button size="sm" icon={Download} pending={save.isPending} onClick={() => save.mutate()}>
            Download
          </Button>
        </div>
      </div>
      {save.error && <ErrorNote error={save.error} onRetry={() => save.mutate()} />}
      {error && <ErrorNote error={error} onRetry={() => void refetch()} />}
      <section
        className="card cut logcard full-log"
        aria-label="Log"
        aria-busy={data === undefined || isPlaceholderData}
      >
        {data === undefined && !error ? (
          <div className="pad stack log" role="status" aria-busy="true">
            <Skeleton width={30} />
            <Skeleton width={24} />
            <Skeleton width={27} />
          </div>
        ) : (
          <Log
            label="Log"
            lines={lines}
            follow={follow}
            onFollowChange={setFollow}
            after={lines.length === 0 && <li className="none">{emptyWords(isNarrowed, hasNextPage)}</li>}
          />
        )}
        <div className="card-foot">
          <Follow follow={follow} connected={feed.connected} onFollow={() => setFollow(true)} />
          {hasNextPage && (
            <Button
              size="sm"
              variant="quiet"
              pending={isFetchingNextPage}
              onClick={() => {
                setFollow(false)
                void fetchNextPage()
              }}
            >
              Earlier lines
            </Button>
          )}
          <span className="push faint num xs" aria-live="polite">
            {plural(lines.length, 'line')}
          </span>
        </div>
      </section>
    </div>
  )
}

function minutesAgo(minutes: string): string | undefined {
  return minutes === '' ? undefined : new Date(Date.now() - Number(minutes) * 60_000).toISOString()
}

function emptyWords(isNarrowed: boolean, hasMore: boolean): string {
  if (!isNarrowed) return 'Nothing was printed yet. Lines appear here as they come.'
  return hasMore ? 'No line so far. Look at earlier lines.' : 'No line is like this.'
}
