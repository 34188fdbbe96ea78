import type { ToolDoor } from '../domain/index.ts'
import type { RouteTable } from '../gateway/index.ts'

/** What stands between the clients of a deployment and its tools, from the routes in memory. */
export function toolDoorOf(routes: RouteTable, deploymentId: string): ToolDoor {
  const rules = (): ToolDoor['rules'] => routes.ofDeployment(deploymentId)?.tools ?? null
  return {
    get rules() {
      return rules()
    },
    onChange(listener) {
      let version = rules()?.version
      return routes.onChange(() => {
        const now = rules()?.version
        if (now === version) return
        version = now
        listener()
      })
    },
  }
}
