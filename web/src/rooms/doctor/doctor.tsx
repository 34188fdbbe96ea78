import { useQuery } from '@tanstack/react-query'
import { CircleCheck, CircleX, RotateCw, TriangleAlert } from 'lucide-react'
import type { Finding } from '../../api/client.ts'
import { doctorQuery } from '../../api/queries.ts'
import { Page } from '../../app/page.tsx'
import { Button } from '../../kit/button.tsx'
import { Card } from '../../kit/card.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { plural } from '../../kit/format.ts'
import { Note } from '../../kit/note.tsx'
import { PageHead } from '../../kit/page-head.tsx'
import { Skeleton } from '../../kit/skeleton.tsx'
import { AuditChain } from './audit-chain.tsx'
import { MasterKeys } from './master-keys.tsx'
import './doctor.css'

const LOOKS = {
  ok: { tone: 'running', icon: CircleCheck },
  warning: { tone: 'unhealthy', icon: TriangleAlert },
  error: { tone: 'failed', icon: CircleX },
} as const

const RANK = { error: 0, warning: 1, ok: 2 } as const

const NAMES: Readonly<Record<Finding['name'], string>> = {
  configuration: 'Configuration',
  accounts: 'Accounts',
  keys: 'Master keys',
  credentials: 'Credentials',
  database: 'Database',
  clock: 'Clock',
  disk: 'Disk',
  runtimes: 'Runtimes',
  registry: 'Package registry',
  pypi: 'Python index',
  'mcp-registry': 'MCP Registry',
  glama: 'Glama',
  'public-url': 'Public URL',
  proxies: 'Proxies',
}

/** What is wrong with the installation, for its admins. */
export function DoctorRoom() {
  const { data, error, refetch, isFetching } = useQuery(doctorQuery)
  return (
    <Page title="Doctor">
      <PageHead
        title="Doctor"
        lead={data === undefined ? 'Looking…' : summary(data.items)}
        actions={
          <Button icon={RotateCw} pending={isFetching} onClick={() => void refetch()}>
            Look again
          </Button>
        }
      />
      {data === undefined ? (
        error ? (
          <ErrorNote error={error} onRetry={() => void refetch()} />
        ) : (
          <div className="stack" role="status" aria-busy="true" aria-label="Looking at the installation">
            <Skeleton height={3.5} />
            <Skeleton height={3.5} />
            <Skeleton height={3.5} />
          </div>
        )
      ) : (
        <div className="stack">
          {data.items
            .filter(({ level }) => level !== 'ok')
            .toSorted((a, b) => RANK[a.level] - RANK[b.level])
            .map((finding) => (
              <Note
                key={finding.name}
                tone={LOOKS[finding.level].tone}
                icon={LOOKS[finding.level].icon}
                title={NAMES[finding.name]}
              >
                <p>{finding.detail}</p>
                {finding.fix !== null && (
                  <p>
                    {finding.fix}{' '}
                    <a href={finding.docs} target="_blank" rel="noreferrer">
                      More about {NAMES[finding.name]}
                    </a>
                  </p>
                )}
              </Note>
            ))}
          <InOrder findings={data.items.filter(({ level }) => level === 'ok')} />
        </div>
      )}
      <div className="stack wide doctor-more">
        <MasterKeys />
        <AuditChain />
      </div>
    </Page>
  )
}

/** What is as it should be, in less space than what is not. */
function InOrder({ findings }: { readonly findings: readonly Finding[] }) {
  if (findings.length === 0) return null
  return (
    <Card title="In order" className="cut">
      <dl className="in-order">
        {findings.map(({ name, detail }) => (
          <div key={name} className="running">
            <CircleCheck />
            <dt>{NAMES[name]}</dt>
            <dd>{detail}</dd>
          </div>
        ))}
      </dl>
    </Card>
  )
}

function summary(items: readonly Finding[]): string {
  const errors = items.filter(({ level }) => level === 'error').length
  const warnings = items.filter(({ level }) => level === 'warning').length
  if (errors + warnings === 0) return 'Everything is as it should be.'
  const parts = [
    ...(errors === 0 ? [] : [`${plural(errors, 'thing')} cannot work`]),
    ...(warnings === 0 ? [] : [plural(warnings, 'warning')]),
  ]
  return `${parts.join(', ')}.`
}
