import { CatwalkError } from '../../domain/index.ts'
import type { PodRun } from './manifests.ts'

/** Of Kubernetes, for images that do not come. */
const NOT_FETCHED = /^(?:ErrImagePull|ImagePullBackOff|InvalidImageName|ErrImageNeverPull)\b/

/** A pod that does not start, by what Kubernetes says of it. */
export function cannotStart(why: string, run: PodRun): CatwalkError {
  if (run.kind === 'image' && NOT_FETCHED.test(why)) {
    return new CatwalkError('install_failed', `The cluster cannot fetch the image: ${why}`, {
      help: 'See whether its nodes reach the registry and the digest is still there. For a registry that wants a password give CATWALK_KUBERNETES_PULL_SECRET.',
    })
  }
  return new CatwalkError('runtime_unavailable', `Kubernetes does not start the pod: ${why}`, {
    help: 'Mend what it says: the image and who may pull it, quotas, nodes with room, the volume’s storage class.',
  })
}

/** A server in an image that opens no port. */
export function notListening(port: number): CatwalkError {
  return new CatwalkError('server_silent', `Nothing listens at port ${port} of the pod.`, {
    help: 'In a pod a server must listen on all addresses (0.0.0.0), not on 127.0.0.1 alone. Many have a variable or an argument for it, such as HOST.',
  })
}
