import { useQuery } from '@tanstack/react-query'
import { Download, Search } from 'lucide-react'
import { useMemo, useState } from 'react'
import { addToFeed, emptyFeed } from '../../api/feed.ts'
import { logsQuery } from '../../api/queries.ts'
import { useFeedSoFar } from '../../api/use-feed.ts'
import { Button } from '../../kit/button.tsx'
import { CopyButton } from '../../kit/copy-button.tsx'
import { download } from '../../kit/download.ts'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Input } from '../../kit/field.tsx'
import { plural } from '../../kit/format.ts'
import { Log, logText } from '../../kit/log.tsx'
import { Segmented } from '../../kit/segmented.tsx'
import { Skeleton } from '../../kit/skeleton.tsx'
import { useCurrent } from './current.ts'
import { Follow } from './follow.tsx'
import { filterLines, STREAMS, type Stream } from './streams.ts'
import './logs.css'

export function Logs() {
  const { id, slug } = useCurrent()
  const feed = useFeedSoFar(id)
  const { data: earlier, error, refetch } = useQuery(logsQuery(id))
  const [stream, setStream] = useState<Stream>('all')
  const [find, setFind] = useState('')
  const [follow, setFollow] = useState(true)
  const all = useMemo(
    () => addToFeed(addToFeed(emptyFeed, { logs: earlier ?? [] }), { logs: feed.logs }).logs,
    [earlier, feed.logs],
  )
  const lines = useMemo(() => filterLines(all, stream, find), [all, stream, find])
  const text = () => logText(lines)
  return (
    <div className="tab stack">
      <div className="log-filters">
        <div className="scroll-s">
          <Segmented label="Stream" value={stream} options={STREAMS} onChange={setStream} />
        </div>
        <Input
          small
          className="find"
          icon={Search}
          type="search"
          aria-label="Search the log"
          placeholder="Search"
          value={find}
          onChange={({ target }) => setFind(target.value)}
        />
        <div className="row push">
          <CopyButton what="the shown lines" text={text} />
          <Button size="sm" icon={Download} onClick={() => download(`${slug}.log`, text())}>
            Download
          </Button>
        </div>
      </div>
      {error && <ErrorNote error={error} onRetry={() => void refetch()} />}
      <section className="card cut logcard full-log" aria-label="Log">
        {all.length === 0 && earlier === undefined && !error ? (
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
            after={lines.length === 0 && <li className="none">{emptyWords(all.length)}</li>}
          />
        )}
        <div className="card-foot">
          <Follow follow={follow} connected={feed.connected} onFollow={() => setFollow(true)} />
          <span className="push faint num xs">
            {lines.length === all.length
              ? plural(lines.length, 'line')
              : `${lines.length} of ${plural(all.length, 'line')}`}
          </span>
        </div>
      </section>
    </div>
  )
}

function emptyWords(count: number): string {
  return count === 0 ? 'Nothing was printed yet. Lines appear here as they come.' : 'No line is like this.'
}
