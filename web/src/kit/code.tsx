import type { ReactNode } from 'react'
import { CopyIcon } from './copy-button.tsx'
import './code.css'

/** Something to paste into a terminal or a file, with a button that copies it. */
export function Code({ text, what, children }: { text: string; what: string; children?: ReactNode }) {
  return (
    <div className="codebox">
      {/* It may scroll sideways, so it must be reachable by keyboard. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <pre className="code" tabIndex={0} role="group" aria-label={what}>
        {children ?? text}
      </pre>
      <CopyIcon text={text} what={what} />
    </div>
  )
}

/** A JSON value, indented, with names, texts and other values told apart. */
export function Json({ value, label }: { readonly value: unknown; readonly label: string }) {
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <pre className="code" tabIndex={0} role="group" aria-label={label}>
      <JsonValue value={value} />
    </pre>
  )
}

export function JsonValue({ value, indent = '' }: { value: unknown; indent?: string }): ReactNode {
  if (typeof value === 'string') return <u>{JSON.stringify(value)}</u>
  if (typeof value !== 'object' || value === null) return <b>{JSON.stringify(value) ?? 'null'}</b>
  const deeper = `${indent}  `
  const isList = Array.isArray(value)
  const entries = Object.entries(value)
  const [open, close] = isList ? ['[', ']'] : ['{', '}']
  if (entries.length === 0) return `${open}${close}`
  return (
    <>
      {open}
      {entries.map(([name, item], index) => (
        <span key={name}>
          {`${index === 0 ? '' : ','}\n${deeper}`}
          {!isList && (
            <>
              <i>{JSON.stringify(name)}</i>
              {': '}
            </>
          )}
          <JsonValue value={item} indent={deeper} />
        </span>
      ))}
      {`\n${indent}${close}`}
    </>
  )
}
