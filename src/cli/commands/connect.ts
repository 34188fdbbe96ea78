import { TOKEN_PLACEHOLDER, type RouteOutput } from '../../contract/index.ts'
import type { CommandContext, CommonOptions } from '../context.ts'
import { isApiError } from '../failure.ts'
import { clientSetup, onlySignsIn } from '../client-setup.ts'
import { CLIENTS, type ClientName } from '../options.ts'
import { formatClientSetup } from '../summary.ts'

export interface ConnectOptions extends CommonOptions {
  readonly client?: ClientName
  readonly token?: string
}

export async function connectClient(
  context: CommandContext,
  id: string,
  options: ConnectOptions,
): Promise<void> {
  const { output } = context
  const { access, ...deployment } = await findEndpoint(context, id)
  const takesSignIn = access === 'oauth' || access === 'both'
  // Where people can sign in, some clients ignore a token; one that is given is still written down.
  const token = options.token ?? (access === 'token' ? TOKEN_PLACEHOLDER : null)
  const usable = CLIENTS.filter((client) => !onlySignsIn(client) || access !== 'token')
  const clients = options.client === undefined ? usable : [options.client]
  if (!takesSignIn && clients.some(onlySignsIn) && access !== 'public') {
    output.note(
      `It takes no token. Let people sign in with: bin/catwalk ${deployment.settings} ${deployment.slug} --access both`,
    )
  } else if (takesSignIn) {
    output.note('The client opens a page of Catwalk, where you sign in and see what it asks for.')
  } else if (options.token === undefined && access === 'token') {
    output.note(
      `Put a token where ${TOKEN_PLACEHOLDER} stands. Make one with: bin/catwalk token add ${deployment.slug}`,
    )
  }
  output.result(
    clients.map((client) => clientSetup(client, deployment.slug, deployment.endpoint, token, takesSignIn)),
    () => formatClientSetup(output, deployment, token, clients, { takesSignIn }),
  )
}

interface Connectable {
  readonly name: string
  readonly slug: string
  readonly endpoint: string
  readonly access: RouteOutput<'getSettings'>['access']
  /** The command that changes who may call. */
  readonly settings: string
}

/** A deployment or, where there is none of this name, a collection. */
async function findEndpoint(context: CommandContext, id: string): Promise<Connectable> {
  const input = { params: { id } }
  try {
    const { name, slug, endpoint } = await context.call('getDeployment', input)
    const { access } = await context.call('getSettings', input)
    return { name, slug, endpoint, access, settings: 'settings' }
  } catch (error) {
    if (!isApiError(error) || error.body.error !== 'deployment_not_found') throw error
    const collection = await context.call('getCollection', input).catch(() => {
      throw error
    })
    const { name, slug, endpoint, access } = collection
    return { name, slug, endpoint, access, settings: 'collections settings' }
  }
}
