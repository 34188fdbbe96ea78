import type { ReactNode } from 'react'
import { Json } from '../../../kit/code.tsx'
import { formatBytes } from '../../../kit/format.ts'
import { webLink } from '../../../kit/web-link.ts'

type Block = Readonly<Record<string, unknown>> & { readonly type: string }

// What a browser draws without running anything in it.
const IMAGES = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif'])

/** One block of a tool's answer. Text is shown as text: a server's words never become markup. */
export function ContentBlock({ block }: { readonly block: Block }) {
  const { type } = block
  const text = textOf(block)
  if (type === 'text') return <Labelled label="Text">{<p className="block-text">{text('text')}</p>}</Labelled>
  if (type === 'image' || type === 'audio') {
    const mimeType = text('mimeType') ?? 'unknown type'
    const data = text('data') ?? ''
    const size = formatBytes(Math.floor(data.length * 0.75))
    return (
      <Labelled label={`${type === 'image' ? 'Image' : 'Audio'}, ${mimeType}, ${size}`}>
        {type === 'image' && IMAGES.has(mimeType) && (
          <img className="block-image" src={`data:${mimeType};base64,${data}`} alt="From the tool" />
        )}
      </Labelled>
    )
  }
  if (type === 'resource_link') {
    const uri = text('uri') ?? ''
    const link = webLink(uri)
    return (
      <Labelled label="Resource">
        <p className="block-text">
          {text('name')}{' '}
          {link === null ? (
            <code>{uri}</code>
          ) : (
            <a href={link.href} target="_blank" rel="noreferrer">
              {link.label}
            </a>
          )}
        </p>
      </Labelled>
    )
  }
  return (
    <Labelled label={type}>
      <Json value={block} label={type} />
    </Labelled>
  )
}

function textOf(block: Block): (name: string) => string | undefined {
  return (name) => {
    const value = block[name]
    return typeof value === 'string' ? value : undefined
  }
}

function Labelled({ label, children }: { readonly label: string; readonly children: ReactNode }) {
  return (
    <div>
      <p className="block-label">{label}</p>
      {children}
    </div>
  )
}
