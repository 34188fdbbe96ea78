import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { Catalogue, Tool, ToolListing } from '../../../api/client.ts'
import { catalogueQuery, toolsQuery } from '../../../api/queries.ts'
import { Card } from '../../../kit/card.tsx'
import { Empty } from '../../../kit/empty.tsx'
import { ErrorNote } from '../../../kit/error-note.tsx'
import { Skeleton } from '../../../kit/skeleton.tsx'
import { useCurrent } from '../current.ts'
import { Switchboard } from './switchboard.tsx'
import { TryTool } from './try-tool.tsx'
import './tools.css'

/** What the server offers, to look at and to try. */
export function Tools() {
  const { id, liveRelease } = useCurrent()
  const { data, error, refetch } = useQuery({ ...catalogueQuery(id), enabled: liveRelease !== null })
  const { data: listing } = useQuery({ ...toolsQuery(id), enabled: liveRelease !== null })
  if (liveRelease === null) {
    return (
      <section className="card tab">
        <Empty title="Not known yet">Its tools are listed once it has answered for the first time.</Empty>
      </section>
    )
  }
  if (data === undefined) {
    return (
      <div className="tab">
        {error ? <ErrorNote error={error} onRetry={() => void refetch()} /> : <ToolsSkeleton />}
      </div>
    )
  }
  return (
    <div className="tab stack wide">
      {data.tools.length === 0 ? (
        <section className="card">
          <Empty title="It offers no tools">Some servers offer only resources or prompts.</Empty>
        </section>
      ) : (
        <>
          <Playground tools={asShown(data.tools, listing)} />
          <Switchboard />
        </>
      )}
      <Others catalogue={data} />
    </div>
  )
}

/** What can be called, under the names that clients use. */
function asShown(tools: readonly Tool[], listing: ToolListing | undefined): readonly Tool[] {
  const shown = new Map(listing?.items.map(({ name, shownAs }) => [name, shownAs]))
  return tools.flatMap((tool) => {
    const name = shown.has(tool.name) ? shown.get(tool.name) : tool.name
    return name === null || name === undefined ? [] : [{ ...tool, name }]
  })
}

function Playground({ tools }: { readonly tools: readonly Tool[] }) {
  const [chosen, choose] = useState(tools[0]?.name)
  const tool = tools.find(({ name }) => name === chosen) ?? tools[0]
  return (
    <section className="card play" aria-label="Tools">
      <ul className="ptl">
        {tools.map(({ name, description }) => (
          <li key={name} aria-current={name === tool?.name || undefined}>
            <button
              type="button"
              className="tbtn"
              aria-pressed={name === tool?.name}
              onClick={() => choose(name)}
            >
              <span className="mono clip">{name}</span>
              <small className="clip">{description ?? ''}</small>
            </button>
          </li>
        ))}
      </ul>
      {tool && <TryTool key={tool.name} tool={tool} />}
    </section>
  )
}

function Others({ catalogue }: { readonly catalogue: Catalogue }) {
  const { resources, resourceTemplates, prompts } = catalogue
  return (
    <>
      <Listed
        title="Resources"
        items={[
          ...resources.map(({ uri, name }) => ({ name: uri, text: name })),
          ...resourceTemplates.map(({ uriTemplate, name }) => ({ name: uriTemplate, text: name })),
        ]}
      />
      <Listed title="Prompts" items={prompts.map(({ name, description }) => ({ name, text: description }))} />
    </>
  )
}

interface ListedProps {
  readonly title: string
  readonly items: readonly { readonly name: string; readonly text: string | undefined }[]
}

function Listed({ title, items }: ListedProps) {
  if (items.length === 0) return null
  return (
    <Card className="cut" title={title} beside={<span className="faint num">{items.length}</span>}>
      <ul className="tl">
        {items.map(({ name, text }) => (
          <li key={name}>
            <span className="mono strong clip" title={name}>
              {name}
            </span>
            <span className="dim clip">{text}</span>
          </li>
        ))}
      </ul>
    </Card>
  )
}

function ToolsSkeleton() {
  return (
    <section className="card play" aria-busy="true" aria-label="Loading the tools">
      <div className="ptl stack pad">
        {[8, 7, 9, 6].map((width) => (
          <Skeleton key={width} width={width} height={2} />
        ))}
      </div>
      <div className="pad stack">
        <Skeleton width={10} height={1} />
        <Skeleton width={16} />
        <Skeleton height={2.75} />
      </div>
      <div className="res" />
    </section>
  )
}
