import {
  createToolRules,
  differences,
  isStopped,
  type JsonObject,
  type ToolBlock,
  type ToolDoor,
  type ToolRules,
} from '../domain/index.ts'
import type { GatewayRoute, RouteTable } from '../gateway/index.ts'

export interface ToolDoorOptions {
  readonly routes: RouteTable
  /** Takes tools that a running server lists and that are not as approved. Must not throw and must not wait. */
  readonly report: (deploymentId: string, releaseId: string, tools: readonly JsonObject[]) => void
}

/**
 * What stands between the clients of an instance and its tools, from the routes in memory. A definition that is not
 * approved stops its tool here at once; everywhere else as soon as it is in the database.
 */
export function createToolDoor(
  { routes, report }: ToolDoorOptions,
  deploymentId: string,
  releaseId: string,
): ToolDoor {
  const sighted = new Map<string, { readonly hash: string; readonly kind: ToolBlock }>()
  let of: GatewayRoute | null = null
  let rules: ToolRules | null = null

  function current(): ToolRules | null {
    const route = routes.ofDeployment(deploymentId)
    if (route === undefined) return null
    if (sighted.size === 0) return route.tools?.rules ?? null
    if (of !== route) {
      of = route
      rules = withSighted(route)
    }
    return rules
  }

  function withSighted({ tools }: GatewayRoute): ToolRules | null {
    if (tools === undefined || tools.releaseId !== releaseId) return tools?.rules ?? null
    // What was approved in the meantime stops nothing any more.
    for (const [name, { hash }] of sighted)
      if (tools.pins?.get(name)?.includes(hash) === true) sighted.delete(name)
    const stopped = [...sighted].filter(([, { kind }]) => isStopped(kind, tools.pinning))
    const kinds = stopped.map(([name, { kind }]) => [name, kind] as const)
    return createToolRules(tools.settings, { ...tools.stopped, ...Object.fromEntries(kinds) })
  }

  return {
    get rules() {
      return current()
    },
    saw(listed) {
      const { tools } = routes.ofDeployment(deploymentId) ?? {}
      if (tools === undefined || tools.releaseId !== releaseId) return
      const { pins } = tools
      const found = pins === null ? [] : differences(pins, listed)
      for (const { name, hash, kind } of found) sighted.set(name, { hash, kind })
      if (found.length > 0) of = null
      if (pins === null) report(deploymentId, releaseId, listed)
      else if (found.length > 0)
        report(
          deploymentId,
          releaseId,
          found.map(({ definition }) => definition),
        )
    },
    onChange(listener) {
      let version = current()?.version
      return routes.onChange(() => {
        const now = current()?.version
        if (now === version) return
        version = now
        listener()
      })
    },
  }
}
