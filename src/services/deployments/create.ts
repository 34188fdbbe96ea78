import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { suggestName } from '../../domain/index.ts'
import { nameOf } from '../analyses/present.ts'
import type { ServiceContext } from '../context.ts'
import { accountSources } from '../accounts/sources.ts'
import { admitWorkspace, chooseRuntime } from '../releases/runtime.ts'
import { withGivenHeaders } from './given-headers.ts'
import { checkVerdict, collectValues, planLaunch } from './plan.ts'
import { storeDeployment } from './store.ts'
import { findWhat } from './what.ts'

/**
 * Deploys what an analysis found: checks that nothing is missing and nothing unconfirmed, then stores deployment, first
 * release, credentials and first endpoint token in one transaction. The reconciler does the rest.
 * @throws CatwalkError those of `chooseRuntime`, `findWhat`, `checkVerdict`, `collectValues` and `SourceAnalyzer.toPackage`; `slug_taken`
 */
export async function createDeployment(
  ctx: ServiceContext,
  { body }: ParsedInput<'createDeployment'>,
): Promise<RouteOutput<'createDeployment'>> {
  const { runtimes } = ctx.installation
  // What is not there at all is said before anything is looked up.
  if (body.runtime !== undefined) {
    chooseRuntime(runtimes, body.runtime, body, null)
    await admitWorkspace(runtimes, body.runtime, ctx.actor.workspaceId)
  }
  const { analysis: found, source, tracked, snippet } = await findWhat(ctx, body)
  checkVerdict(found, body)
  const { analysis, values } = withGivenHeaders(found, body.headers ?? {})
  const given = collectValues(analysis, { ...body, variables: { ...values, ...body.variables } }, snippet)
  const pkg = await ctx.analyzer.toPackage(
    ctx.actor.workspaceId,
    analysis,
    body.executable ?? snippet?.executable ?? null,
    ctx.signal,
  )
  const runtime = chooseRuntime(runtimes, body.runtime, body, pkg.kind)
  await admitWorkspace(runtimes, runtime, ctx.actor.workspaceId)
  const { launchSpec, credentials, own } = planLaunch(
    analysis,
    pkg,
    given,
    body.startArgs,
    snippet?.args ?? [],
    [...body.personal, ...Object.keys(body.accounts)],
  )
  const accounts = await accountSources(ctx, body.accounts)
  return storeDeployment(ctx, {
    name: body.name ?? suggestName(nameOf(analysis)),
    slug: body.slug,
    source,
    tracked,
    launchSpec,
    credentials,
    own,
    settings: {
      runtime,
      network: body.network,
      allowScripts: body.allowScripts,
      memoryMiB: body.memoryMiB ?? ctx.defaultMemoryMiB,
      ...(Object.keys(accounts).length === 0 ? {} : { accounts }),
      ...(body.personal.length === 0 ? {} : { personal: [...new Set(body.personal)] }),
    },
    tokenName: body.tokenName,
    action: 'deployment.create',
  })
}
