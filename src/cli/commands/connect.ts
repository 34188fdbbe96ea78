import type { CommandContext, CommonOptions } from '../context.ts'
import { clientSetup } from '../client-setup.ts'
import { CLIENTS, type ClientName } from '../options.ts'
import { formatClientSetup } from '../summary.ts'

export interface ConnectOptions extends CommonOptions {
  readonly client?: ClientName
  readonly token?: string
}

const PLACEHOLDER = 'YOUR_TOKEN'

export async function connectClient(
  context: CommandContext,
  id: string,
  options: ConnectOptions,
): Promise<void> {
  const { output } = context
  const deployment = await context.call('getDeployment', { params: { id } })
  const token = options.token ?? PLACEHOLDER
  const clients = options.client === undefined ? CLIENTS : [options.client]
  if (options.token === undefined) {
    output.note(
      `Put a token where ${PLACEHOLDER} stands. Make one with: bin/catwalk token add ${deployment.slug}`,
    )
  }
  output.result(
    clients.map((client) => clientSetup(client, deployment.slug, deployment.endpoint, token)),
    () => formatClientSetup(output, deployment, token, clients),
  )
}
