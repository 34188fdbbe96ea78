import { cleanLine, cleanText } from './clean-text.ts'
import { clientSetup } from './client-setup.ts'
import type { ClientName } from './options.ts'
import type { Deployment } from './failure.ts'
import type { Output } from './output.ts'
import { formatPairs } from './table.ts'

/** A deployment that was just made: its state, its endpoint, the token that is shown this once, and how to connect. */
export function formatSummary(output: Output, deployment: Deployment, token: string): string {
  const tools = deployment.toolCount === null ? '' : `, ${deployment.toolCount} tools`
  return [
    `${output.style('bold', cleanLine(deployment.slug))} is ${paintState(output, deployment.state)}${tools}.`,
    '',
    formatPairs(output, [
      ['Endpoint', cleanLine(deployment.endpoint)],
      ['Token', `${cleanLine(token)}  ${output.style('dim', '(shown this once)')}`],
    ]),
    '',
    formatClientSetup(output, deployment, token, ['claude-code', 'cursor', 'vscode']),
    ...(isLocal(deployment.endpoint)
      ? [
          '',
          output.style(
            'dim',
            'Only programs on this machine reach this address; see docs/connect.md for others.',
          ),
        ]
      : []),
  ].join('\n')
}

function isLocal(endpoint: string): boolean {
  const { hostname } = new URL(endpoint)
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')
}

/** The ready-made lines for some clients. @param whole with links and what comes after, for who asked for just this */
export function formatClientSetup(
  output: Output,
  deployment: Pick<Deployment, 'slug' | 'endpoint'>,
  token: string | null,
  clients: readonly ClientName[],
  whole?: { readonly takesSignIn: boolean },
): string {
  return clients
    .map((client) => {
      const setup = clientSetup(client, deployment.slug, deployment.endpoint, token, whole?.takesSignIn)
      return [
        `${output.style('bold', setup.title)} ${output.style('dim', `(${setup.where})`)}`,
        cleanText(setup.text),
        ...(whole !== undefined && setup.link !== null
          ? [`${output.style('dim', 'or open')} ${cleanText(setup.link)}`]
          : []),
        ...(whole !== undefined && setup.signIn !== null ? [output.style('dim', setup.signIn)] : []),
      ].join('\n')
    })
    .join('\n\n')
}

const COLOURS = {
  running: 'green',
  failed: 'red',
  unhealthy: 'red',
  deploying: 'yellow',
  deleting: 'yellow',
  sleeping: 'dim',
  stopped: 'dim',
} as const satisfies Record<Deployment['state'], string>

/** A state in its colour. */
export function paintState(output: Output, state: Deployment['state'], text: string = state): string {
  return output.style(COLOURS[state], text)
}
