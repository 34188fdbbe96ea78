import { Link, useSearch } from '@tanstack/react-router'
import type { Analysis } from '../../api/client.ts'
import { Card } from '../../kit/card.tsx'

/** Which server of a source that has several: of a repository, or of a configuration that was pasted. */
export function Servers({ analysis }: { readonly analysis: Analysis }) {
  const { source, server } = useSearch({ from: '/house/new' })
  const { candidates, snippet, launch } = analysis
  const choices =
    snippet !== null && snippet.servers.length > 1
      ? snippet.servers.map((name) => ({ name, where: '', isChosen: name === snippet.server }))
      : candidates.map((candidate) => ({
          name: candidate.name,
          where: candidate.path,
          isChosen:
            server === undefined
              ? candidate.launch.command === launch?.command &&
                candidate.launch.package.name === launch.package.name
              : server === candidate.name || server === candidate.path,
        }))
  if (choices.length < 2) return null
  return (
    <Card title="Which server">
      <nav aria-label="Servers of this source">
        <ul className="servers">
          {choices.map(({ name, where, isChosen }) => (
            <li key={`${name} ${where}`}>
              <Link
                to="/new"
                search={{ source, server: name }}
                replace
                className="server"
                aria-current={isChosen ? 'page' : undefined}
              >
                <span className="server-dot" />
                <span className="mono">{name}</span>
                {where !== '' && <span className="faint mono">{where}</span>}
              </Link>
            </li>
          ))}
        </ul>
      </nav>
    </Card>
  )
}
