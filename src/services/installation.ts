import type { RouteOutput } from '../contract/index.ts'
import type { ServiceContext } from './context.ts'

/** What this installation is and can do. */
export async function getInstallation(ctx: ServiceContext): Promise<RouteOutput<'getInstallation'>> {
  const { version, reachable, unsandboxed, localRuntime } = ctx.installation
  const status = await localRuntime()
  return {
    version,
    publicUrl: ctx.publicUrl,
    reachable,
    localRuntime: status.ok
      ? { ok: true, detail: status.detail, fix: null }
      : { ok: false, detail: status.reason, fix: status.fix },
    unsandboxed,
  }
}
