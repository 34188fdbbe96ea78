// What the pod of an image is made of, as pure functions.
import type { V1Container, V1EnvVar, V1SecurityContext, V1Volume } from '@kubernetes/client-node'
import { INSIDE, type ConfinedCommand } from '../confined/index.ts'

/** A program in an image of its own. Nothing of ours runs beside it. */
export interface ImageRun extends Pick<ConfinedCommand, 'argv' | 'environment' | 'files'> {
  readonly kind: 'image'
  /** By its digest. */
  readonly reference: string
  /** Whether nothing in `argv` is a secret. */
  readonly argvIsPublic: boolean
  /** Where it serves HTTP; null when it speaks over its standard input and output. */
  readonly port: number | null
}

/** Name of the container with the server. */
export const SERVER_CONTAINER = 'server'

/** A variable that holds a word of the command line. */
const WORD = 'CATWALK_ARGUMENT_'

/**
 * Its words, variables and files stand in the Secret alone. As the Secret is removed once it runs, what Kubernetes would
 * start in its place does not start.
 */
export function imageContainer(
  run: ImageRun,
  pod: { readonly secret: string; readonly memoryMiB: number; readonly security: V1SecurityContext },
): V1Container {
  const { reference, argv, argvIsPublic, port, files, environment } = run
  const [program = '', ...args] = argv.map((word, index) =>
    argvIsPublic ? word.replaceAll('$', '$$$$') : `$(${WORD}${index})`,
  )
  const names = [...(argvIsPublic ? [] : argv.map((_, index) => `${WORD}${index}`)), ...environment.keys()]
  return {
    name: SERVER_CONTAINER,
    image: reference,
    // With nothing in them they are the image's own.
    ...(argv.length === 0 ? {} : { command: [program], args }),
    env: names.map((name, index) => fromSecret(name, pod.secret, index)),
    ...(port === null ? { stdin: true, stdinOnce: true } : portOf(port)),
    securityContext: pod.security,
    resources: podResources(pod.memoryMiB),
    volumeMounts: [
      { name: 'home', mountPath: INSIDE.home },
      { name: 'tmp', mountPath: INSIDE.temporary },
      ...(files.length === 0 ? [] : [{ name: 'files', mountPath: INSIDE.credentials, readOnly: true }]),
    ],
  }
}

/** What a pod reserves and may take at most, of memory in MiB. */
export function podResources(
  memoryMiB: number,
  mostMiB = memoryMiB,
): {
  readonly requests: Record<string, string>
  readonly limits: Record<string, string>
} {
  return {
    requests: { cpu: '100m', memory: `${memoryMiB}Mi`, 'ephemeral-storage': '256Mi' },
    limits: { cpu: '2', memory: `${mostMiB}Mi`, 'ephemeral-storage': '4Gi' },
  }
}

/** The volumes that it alone has. */
export function imageVolumes({ files }: ImageRun, secret: string): V1Volume[] {
  if (files.length === 0) return []
  const items = files.map(({ path }, index) => ({
    key: fileKey(index),
    path: path.slice(INSIDE.credentials.length + 1),
  }))
  return [{ name: 'files', secret: { secretName: secret, items, defaultMode: 0o440 } }]
}

/** What its Secret holds. */
export function imageData({ argv, argvIsPublic, environment, files }: ImageRun): Record<string, string> {
  const values = [...(argvIsPublic ? [] : argv), ...environment.values()]
  return Object.fromEntries([
    ...values.map((value, index) => [valueKey(index), value] as const),
    ...files.map(({ content }, index) => [fileKey(index), content] as const),
  ])
}

function portOf(port: number): Pick<V1Container, 'ports' | 'readinessProbe'> {
  return {
    ports: [{ name: 'http', containerPort: port }],
    readinessProbe: { tcpSocket: { port }, periodSeconds: 1, failureThreshold: 3 },
  }
}

function fromSecret(name: string, secret: string, index: number): V1EnvVar {
  return { name, valueFrom: { secretKeyRef: { name: secret, key: valueKey(index) } } }
}

function valueKey(index: number): string {
  return `value-${index}`
}

function fileKey(index: number): string {
  return `file-${index}`
}
