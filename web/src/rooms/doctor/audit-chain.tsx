import { useQuery } from '@tanstack/react-query'
import { CircleCheck, CircleX, ShieldCheck } from 'lucide-react'
import { auditVerificationQuery } from '../../api/queries.ts'
import { Button } from '../../kit/button.tsx'
import { Card } from '../../kit/card.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { plural } from '../../kit/format.ts'
import { Note } from '../../kit/note.tsx'

/** Goes through the audit chain of the installation when it is asked to. */
export function AuditChain() {
  const { data, error, refetch, isFetching } = useQuery(auditVerificationQuery)
  return (
    <Card
      title="Audit chain"
      actions={
        <Button icon={ShieldCheck} size="sm" pending={isFetching} onClick={() => void refetch()}>
          Verify
        </Button>
      }
    >
      <div className="pad stack" aria-live="polite">
        {error ? (
          <ErrorNote error={error} />
        ) : data === undefined ? (
          <p className="dim">Each entry of the audit log is chained to the one before, by a keyed hash.</p>
        ) : data.problem === null ? (
          <Note tone="running" icon={CircleCheck} title={`${plural(data.entries, 'entry', 'entries')} hold`}>
            <p>None was changed, moved or removed.</p>
            {data.head !== null && (
              <p className="xs">
                The last one: <code className="wrap">{data.head}</code>
              </p>
            )}
          </Note>
        ) : (
          <Note tone="failed" icon={CircleX} title={`The chain breaks at entry ${data.problem.seq}`}>
            <p>
              It is {data.problem.what}. The {plural(data.entries, 'entry', 'entries')} before it hold. Find
              out who can write to the database.
            </p>
          </Note>
        )}
      </div>
    </Card>
  )
}
