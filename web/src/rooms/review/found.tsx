import type { Analysis } from '../../api/client.ts'
import { Breakable } from '../../kit/breakable.tsx'
import { Card, KeyValues } from '../../kit/card.tsx'
import { Ago } from '../../kit/ago.tsx'
import { formatBytes } from '../../kit/format.ts'
import { webLink } from '../../kit/web-link.ts'

/** What was found out about the package. */
export function Found({ analysis }: { readonly analysis: Analysis }) {
  const { package: found, warnings } = analysis
  const repository = found.repository === null ? null : webLink(found.repository)
  return (
    <Card title="Found">
      <KeyValues
        items={{
          Package: <Breakable text={found.name} />,
          Version: (
            <>
              <span className="mono">{found.version}</span> <span className="faint">pinned</span>
            </>
          ),
          Published: found.publishedAt === null ? undefined : <Ago at={found.publishedAt} />,
          Licence: found.license ?? 'Not stated',
          Repository:
            repository === null ? (
              found.repository === null ? (
                'Not stated'
              ) : (
                <span className="mono">{found.repository}</span>
              )
            ) : (
              <a href={repository.href} target="_blank" rel="noreferrer">
                <Breakable text={repository.label} />
              </a>
            ),
          Programs: <span className="mono">{found.executables.join(', ')}</span>,
          Size: found.unpackedBytes === null ? undefined : formatBytes(found.unpackedBytes),
          'Install scripts': warnings.some(({ code }) => code === 'install_scripts') ? 'Yes' : 'None',
          Integrity: (
            <span className="mono" title={found.integrity}>
              {found.integrity.slice(0, 16)}…
            </span>
          ),
        }}
      />
    </Card>
  )
}
