import { cleanLine } from '../clean-text.ts'
import type { CommandContext } from '../context.ts'
import type { Deployment } from '../failure.ts'
import type { Output } from '../output.ts'
import { formatPostMortem } from '../report.ts'
import { paintState } from '../summary.ts'
import { formatPairs } from '../table.ts'

export async function show(context: CommandContext, id: string): Promise<void> {
  const deployment = await context.call('getDeployment', { params: { id } })
  context.output.result(deployment, () => format(context.output, deployment))
}

function format(output: Output, deployment: Deployment): string {
  const { release } = deployment
  const reason = deployment.stateReason === null ? '' : `: ${cleanLine(deployment.stateReason)}`
  const pairs: [string, string][] = [
    ['Name', deployment.name],
    ['Id', deployment.id],
    ['Source', deployment.source],
    ['Endpoint', deployment.endpoint],
    ['Runtime', deployment.runtime],
    ['Release', `v${release.number}, ${release.state}${liveNote(deployment)}`],
    ['Package', `${release.package.name} ${release.package.version}`],
    ['Arguments', release.args.length === 0 ? '-' : release.args.map((arg) => JSON.stringify(arg)).join(' ')],
    ['Variables', release.variables.map((variable) => variable.name).join(', ') || '-'],
    ['Network', typeof release.network === 'string' ? release.network : release.network.join(', ')],
    ['Runs on', release.runtime],
    ['Memory', `${release.memoryMiB} MiB at most`],
    ['Tools', deployment.toolCount === null ? '-' : String(deployment.toolCount)],
    ['Created', deployment.createdAt],
  ]
  const head = `${output.style('bold', cleanLine(deployment.slug))}  ${paintState(output, deployment.state)}${reason}`
  const error =
    release.error === null
      ? []
      : ['', formatPostMortem(release.error, release.error, (style, text) => output.style(style, text))]
  return [
    head,
    '',
    formatPairs(
      output,
      pairs.map(([name, value]) => [name, cleanLine(value)]),
    ),
    ...error,
  ].join('\n')
}

function liveNote({ liveRelease, release }: Deployment): string {
  return liveRelease === null || liveRelease === release.number ? '' : ` (v${liveRelease} serves)`
}
