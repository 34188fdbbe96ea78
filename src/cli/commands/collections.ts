import type { RouteInput, RouteOutput } from '../../contract/index.ts'
import { cleanLine } from '../clean-text.ts'
import type { CommandContext, CommonOptions } from '../context.ts'
import { formatAge, formatTable } from '../table.ts'

type Collection = RouteOutput<'getCollection'>
type Listing = Collection['listing']

export interface CreateOptions extends CommonOptions {
  /** PREFIX=DEPLOYMENT or DEPLOYMENT */
  readonly add?: readonly string[]
  readonly slug?: string
  readonly listing?: Listing
  readonly searchOver?: number
}

export interface MemberOptions extends CommonOptions {
  readonly prefix?: string
}

export interface ChangeOptions extends CommonOptions {
  readonly name?: string
  readonly access?: Collection['access']
  readonly origin?: readonly string[]
  /** False for `--no-origins`. */
  readonly origins?: boolean
  readonly listing?: Listing
  readonly searchOver?: number
}

export async function listCollections(context: CommandContext): Promise<void> {
  const { output } = context
  const { items } = await context.call('listCollections', {})
  if (items.length === 0)
    output.note('There is no collection yet. Make one with: bin/catwalk collections create NAME')
  const now = new Date()
  output.result(items, () =>
    items.length === 0
      ? ''
      : formatTable(
          output,
          ['SLUG', 'MEMBERS', 'TOOLS', 'AGE', 'ENDPOINT'],
          items.map((item) =>
            [
              item.slug,
              String(item.members.length),
              String(item.toolCount),
              formatAge(item.createdAt, now),
              item.endpoint,
            ].map(cleanLine),
          ),
        ),
  )
}

export async function showCollection(context: CommandContext, id: string): Promise<void> {
  show(context, await context.call('getCollection', { params: { id } }))
}

export async function createCollection(
  context: CommandContext,
  name: string,
  { add = [], slug, listing, searchOver }: CreateOptions,
): Promise<void> {
  const { collection, token } = await context.call('createCollection', {
    body: {
      name,
      members: add.map(memberOf),
      ...(slug === undefined ? {} : { slug }),
      ...(listing === undefined ? {} : { listing }),
      ...(searchOver === undefined ? {} : { searchOver }),
    },
  })
  const { output } = context
  for (const warning of collection.warnings) output.note(cleanLine(warning))
  output.note('The token is shown this once.')
  output.result({ ...collection, token: token.secret }, () =>
    [`Endpoint  ${collection.endpoint}`, `Token     ${token.secret}`].map(cleanLine).join('\n'),
  )
}

export async function addMember(
  context: CommandContext,
  id: string,
  deployment: string,
  { prefix }: MemberOptions,
): Promise<void> {
  const body = { deployment, ...(prefix === undefined ? {} : { prefix }) }
  show(context, await context.call('addCollectionMember', { params: { id }, body }))
}

export async function removeMember(context: CommandContext, id: string, deploymentId: string): Promise<void> {
  show(context, await context.call('removeCollectionMember', { params: { id, deploymentId } }))
}

export async function changeCollection(
  context: CommandContext,
  id: string,
  { name, access, origin, origins, listing, searchOver }: ChangeOptions,
): Promise<void> {
  const body: RouteInput<'changeCollection'>['body'] = {
    ...(name === undefined ? {} : { name }),
    ...(access === undefined ? {} : { access }),
    ...(origin === undefined ? {} : { allowedOrigins: [...origin] }),
    ...(origins === false ? { allowedOrigins: [] } : {}),
    ...(listing === undefined ? {} : { listing }),
    ...(searchOver === undefined ? {} : { searchOver }),
  }
  if (access === 'public')
    context.output.note('Everybody who can reach the endpoint can now call every tool of its members.')
  show(context, await context.call('changeCollection', { params: { id }, body }))
}

export async function deleteCollection(context: CommandContext, id: string): Promise<void> {
  await context.call('deleteCollection', { params: { id } })
  context.output.result({ deleted: true }, () => `${cleanLine(id)} is deleted. Its members go on.`)
}

function memberOf(text: string): { deployment: string; prefix?: string } {
  const equals = text.indexOf('=')
  return equals < 1
    ? { deployment: text }
    : { prefix: text.slice(0, equals), deployment: text.slice(equals + 1) }
}

function show({ output }: CommandContext, collection: Collection): void {
  for (const warning of collection.warnings) output.note(cleanLine(warning))
  output.result(collection, () => {
    const { endpoint, access, allowedOrigins, listing, searchOver, searches, toolCount } = collection
    const offered = searches ? 'found with search_tools' : 'listed'
    return [
      `Endpoint  ${endpoint}`,
      `Access    ${access}`,
      ...(allowedOrigins.length === 0 ? [] : [`Origins   ${allowedOrigins.join(' ')}`]),
      `Tools     ${toolCount}, ${offered} (${listing === 'auto' ? `auto, over ${searchOver}` : listing})`,
      '',
      formatTable(
        output,
        ['PREFIX', 'DEPLOYMENT', 'TOOLS', 'PROMPTS'],
        collection.members.map((member) =>
          [
            member.prefix,
            member.slug,
            member.toolCount === null ? '-' : String(member.toolCount),
            member.promptCount === null ? '-' : String(member.promptCount),
          ].map(cleanLine),
        ),
      ),
    ]
      .map((line) => (line.includes('\n') ? line : cleanLine(line)))
      .join('\n')
  })
}
