import { CatwalkError } from '../../domain/index.ts'
import { KubernetesRefusal } from './cluster.ts'

/** What people can do about what Kubernetes says. */
export function explained(error: unknown): unknown {
  if (!(error instanceof KubernetesRefusal)) return error
  const { status, message } = error
  if (status === 401 || status === 403) {
    return new CatwalkError('runtime_unavailable', `Kubernetes refuses it: ${message}`, {
      cause: error,
      help: 'Give the service account of Catwalk the Role of deploy/kubernetes/servers.yaml.',
    })
  }
  return new CatwalkError('unavailable', `Kubernetes answers with ${status}: ${message}`, { cause: error })
}
