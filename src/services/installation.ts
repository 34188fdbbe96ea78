import type { RouteOutput } from '../contract/index.ts'
import type { ServiceContext } from './context.ts'

/** What this installation is and can do. */
export async function getInstallation(ctx: ServiceContext): Promise<RouteOutput<'getInstallation'>> {
  const { version, reachable, unsandboxed, runtimes } = ctx.installation
  return {
    version,
    publicUrl: ctx.publicUrl,
    reachable,
    runtimes: await Promise.all(
      runtimes.map(async ({ kind, status: ask }) => {
        const status = await ask()
        return status.ok
          ? { kind, ok: true, detail: status.detail, fix: null }
          : { kind, ok: false, detail: status.reason, fix: status.fix }
      }),
    ),
    unsandboxed,
  }
}
