import { useQuery } from '@tanstack/react-query'
import { CircleCheck, CircleX, Stethoscope } from 'lucide-react'
import type { SignInCheck } from '../../api/client.ts'
import { signInCheckQuery } from '../../api/queries.ts'
import { Button } from '../../kit/button.tsx'
import { Card } from '../../kit/card.tsx'
import { Empty } from '../../kit/empty.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Skeleton } from '../../kit/skeleton.tsx'
import './sign-in-check.css'

/** Asks the endpoint what each client asks before people sign in, and shows how far each gets. */
export function SignInCheckCard({ id }: { readonly id: string }) {
  const { data, error, refetch, isFetching } = useQuery(signInCheckQuery(id))
  const check = (
    <Button icon={Stethoscope} pending={isFetching} onClick={() => void refetch()}>
      {data === undefined ? 'Check' : 'Check again'}
    </Button>
  )
  return (
    <Card className="cut" title="Do clients find their way?" actions={data !== undefined && check}>
      {data !== undefined ? (
        <ul className="checks">
          {data.map((result) => (
            <OneClient key={result.client} result={result} />
          ))}
        </ul>
      ) : isFetching ? (
        <div className="pad stack" role="status" aria-busy="true" aria-label="Asking what clients ask">
          <Skeleton width={20} />
          <Skeleton width={16} />
        </div>
      ) : error ? (
        <div className="pad">
          <ErrorNote error={error} onRetry={() => void refetch()} />
        </div>
      ) : (
        <Empty title="Try it before they do" action={check}>
          Asks the public address what Claude, Claude Code, ChatGPT, Cursor and VS Code ask before they show a
          page to sign in.
        </Empty>
      )}
    </Card>
  )
}

function OneClient({ result: { client, ok, steps } }: { readonly result: SignInCheck }) {
  const last = steps.at(-1)
  return (
    <li className={ok ? 'running' : 'failed'}>
      {ok ? <CircleCheck aria-hidden /> : <CircleX aria-hidden />}
      <details open={!ok}>
        <summary>
          <b className="strong">{client}</b>{' '}
          <span className="dim">{ok ? 'finds its way' : `stops at: ${last?.step ?? 'the start'}`}</span>
        </summary>
        <ol>
          {steps.map(({ step, detail, fix }) => (
            <li key={step}>
              {step}: <span className="dim">{detail}</span>
              {fix !== null && <p>{fix}</p>}
            </li>
          ))}
        </ol>
      </details>
    </li>
  )
}
