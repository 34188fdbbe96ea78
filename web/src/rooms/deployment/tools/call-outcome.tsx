import { CircleCheck, CircleX, LoaderCircle } from 'lucide-react'
import { useState } from 'react'
import type { CallResult } from '../../../api/client.ts'
import { Json } from '../../../kit/code.tsx'
import { ErrorNote } from '../../../kit/error-note.tsx'
import { Segmented } from '../../../kit/segmented.tsx'
import { ContentBlock } from './content-block.tsx'
import type { Called } from './try-tool.tsx'

interface CallOutcomeProps {
  readonly tool: string
  readonly called: Called | undefined
  readonly error: unknown
  readonly isCalling: boolean
}

/** What a call came to. */
export function CallOutcome({ tool, called, error, isCalling }: CallOutcomeProps) {
  const [view, setView] = useState<'result' | 'raw'>('result')
  if (isCalling) {
    return (
      <div className="res" role="status" aria-busy="true">
        <span className="state deploying">
          <LoaderCircle className="turning" />
          Calling
        </span>
      </div>
    )
  }
  if (error !== null && error !== undefined) {
    return (
      <div className="res">
        <ErrorNote error={error} />
      </div>
    )
  }
  if (called === undefined) {
    return (
      <div className="res">
        <p className="faint">The answer of {tool} appears here.</p>
      </div>
    )
  }
  const { result, ms } = called
  const failed = result.isError === true
  return (
    <div className="res">
      <div className="row wrap">
        <span className={`state ${failed ? 'failed' : 'running'}`}>
          {failed ? <CircleX /> : <CircleCheck />}
          {failed ? 'Answered with an error' : 'Answered'}
        </span>
        <span className="faint num">{Math.round(ms)} ms</span>
        <div className="push">
          <Segmented
            label="View"
            value={view}
            onChange={setView}
            options={[
              { value: 'result', label: 'Result' },
              { value: 'raw', label: 'Raw' },
            ]}
          />
        </div>
      </div>
      {view === 'raw' ? <Json value={result} label="The raw result" /> : <Result result={result} />}
    </div>
  )
}

function Result({ result }: { readonly result: CallResult }) {
  const content = result.content ?? []
  return (
    <>
      {content.map((block, index) => (
        // A result does not change, so its blocks keep their places.
        <ContentBlock key={index} block={block} />
      ))}
      {result.structuredContent !== undefined && (
        <div>
          <p className="block-label">Structured content</p>
          <Json value={result.structuredContent} label="Structured content" />
        </div>
      )}
      {content.length === 0 && result.structuredContent === undefined && (
        <p className="faint">It answered with nothing.</p>
      )}
    </>
  )
}
