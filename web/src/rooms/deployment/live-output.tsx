import { memo, useState } from 'react'
import { useFeedSoFar } from '../../api/use-feed.ts'
import { Card } from '../../kit/card.tsx'
import { CopyIcon } from '../../kit/copy-button.tsx'
import { plural } from '../../kit/format.ts'
import { Log, logText } from '../../kit/log.tsx'
import { Segmented } from '../../kit/segmented.tsx'
import { useCurrent } from './current.ts'
import { Follow } from './follow.tsx'
import { filterLines, STREAMS, type Stream } from './streams.ts'

/** What the installation and the server print, as it comes. Not drawn anew with each tick of the clock beside it. */
export const LiveOutput = memo(function LiveOutput() {
  const { id } = useCurrent()
  const { logs, connected } = useFeedSoFar(id)
  const [stream, setStream] = useState<Stream>('all')
  const [follow, setFollow] = useState(true)
  const lines = filterLines(logs, stream)
  return (
    <Card
      className="logcard cut"
      title="Live output"
      actions={
        <>
          <div className="no-s">
            <Segmented label="Stream" value={stream} options={STREAMS} onChange={setStream} />
          </div>
          <CopyIcon what="the log" text={() => logText(lines)} />
        </>
      }
      foot={
        <>
          <Follow follow={follow} connected={connected} onFollow={() => setFollow(true)} />
          <span className="push faint num xs">{plural(lines.length, 'line')}</span>
        </>
      }
    >
      <Log
        label="Live output"
        lines={lines}
        follow={follow}
        onFollowChange={setFollow}
        after={
          <li className="cur" aria-hidden="true">
            <span />
            <span />
            <span>
              <i />
            </span>
          </li>
        }
      />
    </Card>
  )
})
