import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import {
  CatwalkError,
  compareReleases as compare,
  type ComparedRelease,
  type NameChanges,
} from '../../domain/index.ts'
import type { ServiceContext } from '../context.ts'

/**
 * How a release differs from an earlier one, by default from the one that was live before it.
 * @throws CatwalkError `deployment_not_found`, `release_not_found`
 */
export async function compareReleases(
  ctx: ServiceContext,
  { params, query }: ParsedInput<'compareReleases'>,
): Promise<RouteOutput<'compareReleases'>> {
  const deploymentId = await queries.deploymentId(ctx.db, ctx.actor.workspaceId, params.id)
  const number = /^[1-9]\d{0,8}$/.test(params.number) ? Number(params.number) : null
  if (number === null) throw new CatwalkError('release_not_found', 'A release has a number, such as 2.')
  const since = query.since ?? (await queries.previouslyLive(ctx.db, deploymentId, number))
  if (since === null) {
    throw new CatwalkError(
      'release_not_found',
      `No release before v${number} was live, so there is nothing to compare it with.`,
    )
  }
  const [from, to] = await Promise.all([
    comparable(ctx.db, deploymentId, since),
    comparable(ctx.db, deploymentId, number),
  ])
  const changes = compare(from, to)
  return {
    ...changes,
    from: since,
    to: number,
    args: changes.args && { from: [...changes.args.from], to: [...changes.args.to] },
    variables: present(changes.variables),
    settings: [...changes.settings],
    tools: changes.tools && {
      added: [...changes.tools.added],
      removed: [...changes.tools.removed],
      changed: changes.tools.changed.map(({ name, members }) => ({ name, members: [...members] })),
    },
    resources: present(changes.resources),
    prompts: present(changes.prompts),
  }
}

async function comparable(
  db: queries.Handle,
  deploymentId: string,
  number: number,
): Promise<ComparedRelease> {
  const row = await queries.findReleaseByNumber(db, deploymentId, number)
  return {
    launchSpec: row.launch_spec,
    settings: row.settings,
    credentialVersions: row.credential_versions,
    manifest: await queries.manifestOf(db, row.id),
  }
}

function present(changes: NameChanges | null): RouteOutput<'compareReleases'>['variables'] {
  return (
    changes && { added: [...changes.added], removed: [...changes.removed], changed: [...changes.changed] }
  )
}
