import { CircleX } from 'lucide-react'
import { explain } from '../app/explain.ts'
import { Note } from './note.tsx'

/** What happened, the fix, the code: for anything that can be thrown. */
export function ErrorNote({ error, onRetry }: { readonly error: unknown; readonly onRetry?: () => void }) {
  const { code, message, help, docs, requestId } = explain(error)
  return (
    <Note
      tone="failed"
      icon={CircleX}
      role="alert"
      title={message}
      actions={
        onRetry && (
          <button type="button" className="btn sm" onClick={onRetry}>
            Try again
          </button>
        )
      }
    >
      <p>{help}</p>
      <p className="xs">
        {docs === null ? <code>{code}</code> : <DocsLink docs={docs} code={code} />}
        {requestId !== undefined && (
          <>
            {' · request '}
            <code>{requestId}</code>
          </>
        )}
      </p>
    </Note>
  )
}

/** To the section of the troubleshooting page that explains a code. */
export function DocsLink({ docs, code }: { readonly docs: string; readonly code: string }) {
  return (
    <a href={docs} target="_blank" rel="noreferrer">
      About <code>{code}</code>
    </a>
  )
}
