import type { Analysis } from '../../api/client.ts'
import { Ago } from '../../kit/ago.tsx'
import { Breakable } from '../../kit/breakable.tsx'
import { Card, KeyValues } from '../../kit/card.tsx'
import { formatBytes, plural } from '../../kit/format.ts'
import { webLink } from '../../kit/web-link.ts'

const TOOLS_SHOWN = 10
const LABELS: Readonly<Record<string, string>> = { remote: 'Runs at', oci: 'Image', mcpb: 'Bundle' }

/** What was found out about the source. */
export function Found({ analysis }: { readonly analysis: Analysis }) {
  const { launch, about, proof, source } = analysis
  const isRemote = launch?.package.registry === 'remote'
  const what = LABELS[launch?.package.registry ?? ''] ?? 'Package'
  const { publishedAt = null, unpackedBytes = null, integrity = null } = about ?? {}
  const address = about?.repository ?? (source.url.startsWith('http') ? source.url : null)
  return (
    <Card title="Found">
      <KeyValues
        items={{
          [what]: launch === null ? undefined : <Breakable text={launch.package.name} />,
          Version:
            launch === null || launch.package.version === null ? undefined : (
              <>
                <span className="mono">{launch.package.version.slice(0, 20)}</span>{' '}
                <span className="faint">pinned</span>
              </>
            ),
          'Starts with':
            launch === null || isRemote ? undefined : (
              <code>{[launch.command, ...launch.args].join(' ').trim()}</code>
            ),
          Serves: launch?.port && `MCP over HTTP at its own port ${launch.port.port}`,
          'Is sent': launch?.headers && (
            <code>{launch.headers.map(({ name, value }) => `${name}: ${value}`).join('\n')}</code>
          ),
          'Tried out': proof === null ? undefined : proofWords(proof),
          Published: publishedAt === null ? undefined : <Ago at={publishedAt} />,
          Licence: about === undefined ? undefined : (about.license ?? 'Not stated'),
          Repository: isRemote ? undefined : address === null ? (
            'Not stated'
          ) : (
            <Repository address={address} />
          ),
          Size: unpackedBytes === null ? undefined : formatBytes(unpackedBytes),
          'Install scripts': about === undefined ? undefined : about.hasInstallScripts ? 'Yes' : 'None',
          Integrity:
            integrity === null ? undefined : (
              <span className="mono" title={integrity}>
                {integrity.slice(0, 16)}…
              </span>
            ),
        }}
      />
      <Tools tools={analysis.tools} />
    </Card>
  )
}

function proofWords(proof: NonNullable<Analysis['proof']>): string {
  if (!proof.booted) return proof.failure?.message ?? 'It did not start.'
  return proof.initializeMs === null ? 'It answers' : `It answers in ${proof.initializeMs} ms`
}

function Repository({ address }: { readonly address: string }) {
  const link = webLink(address)
  if (link === null) return <span className="mono">{address}</span>
  return (
    <a href={link.href} target="_blank" rel="noreferrer">
      <Breakable text={link.label} />
    </a>
  )
}

function Tools({ tools }: { readonly tools: Analysis['tools'] }) {
  if (tools.length === 0) return null
  const more = tools.length - TOOLS_SHOWN
  return (
    <details className="pad found-tools">
      <summary>{plural(tools.length, 'tool')}</summary>
      <ul className="stack">
        {tools.slice(0, TOOLS_SHOWN).map(({ name, description }) => (
          <li key={name}>
            <code>{name}</code>
            {description !== null && <p className="dim xs">{description.slice(0, 200)}</p>}
          </li>
        ))}
        {more > 0 && <li className="faint">and {more} more</li>}
      </ul>
    </details>
  )
}
