// The objects of a release, as pure functions. Pods fit the restricted profile of the pod security standards:
// https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
import type {
  V1Container,
  V1Deployment,
  V1PersistentVolumeClaim,
  V1PodTemplateSpec,
  V1Secret,
  V1SecurityContext,
  V1Service,
  V1Volume,
} from '@kubernetes/client-node'
import { POD_BRIDGE_MIB, type Secret } from '../../domain/index.ts'
import { IMAGE_VARIABLES, INSTANCE_PORT } from '../elsewhere/index.ts'
import {
  imageContainer,
  imageData,
  imageVolumes,
  podResources,
  SERVER_CONTAINER,
  type ImageRun,
} from './image-pod.ts'
import {
  commonLabels,
  claimName,
  LABEL,
  ownerLabels,
  processLabel,
  releaseName,
  secretName,
  type Owner,
} from './names.ts'

/** What pods are made of, the same for all of an installation. */
export interface PodSettings {
  readonly image: string
  /** 0: nothing that a server writes is kept. */
  readonly volumeGiB: number
  /** Null for the cluster's default. */
  readonly storageClass: string | null
  /** Such as gVisor's; null for the cluster's default. */
  readonly runtimeClass: string | null
  /** Name of the secret with which images are pulled; null for none. */
  readonly pullSecret: string | null
  /** The addresses that Catwalk calls from where it is not in the cluster itself, in CIDR notation; null where that is not said. */
  readonly callers: string | null
}

/** A release that the program of our image installs and runs. */
export interface BridgeRun {
  readonly kind: 'bridge'
  /** Whoever shows it is answered. */
  readonly secret: Secret
  /** As JSON. */
  readonly document: string
}

/** What a pod runs. */
export type PodRun = BridgeRun | ImageRun

/** Packages may be installed as a pod starts, which takes more than most servers. */
const LEAST_LIMIT_MIB = 768
const USER = 10_001
const GRACE_S = 10
/** Beyond the end of its input, for which it was given its time before. */
const IMAGE_GRACE_S = 2
const HOME = '/home'
const RUN = '/run'
const TOLD = '/told'
const DOCUMENT = 'instance.json'
const SECRET_KEY = 'secret'
const CONTAINER_SECURITY: V1SecurityContext = {
  runAsNonRoot: true,
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
}

/** What a pod with our bridge reserves and may take at most. */
export function resourcesFor(memoryMiB: number): ReturnType<typeof podResources> {
  const memory = memoryMiB + POD_BRIDGE_MIB
  return podResources(memory, Math.max(memory, LEAST_LIMIT_MIB))
}

/** What the pod of a release is to be. */
export interface PodPlan {
  readonly owner: Owner
  readonly memoryMiB: number
  readonly run: PodRun
}

/**
 * @param replicas 1, or 0 while it sleeps
 * @param releaseUid of the release's own Deployment, for one of a further process; null for the release's own
 */
export function deploymentManifest(
  settings: PodSettings,
  plan: PodPlan,
  replicas: 0 | 1,
  releaseUid: string | null = null,
): V1Deployment {
  const { owner } = plan
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      ...(releaseUid === null ? { labels: ownerLabels(owner) } : owned(owner, releaseUid, 1)),
      name: releaseName(owner),
    },
    spec: {
      replicas,
      // Of one release there is never more than one pod; releases follow each other as Deployments of their own.
      strategy: { type: 'Recreate' },
      revisionHistoryLimit: 0,
      selector: { matchLabels: podSelector(owner) },
      template: podTemplate(settings, plan),
    },
  }
}

/** What the pods of a release are found by; never changes. */
export function podSelector(owner: Pick<Owner, 'installation' | 'deploymentId' | 'releaseId' | 'process'>): {
  [label: string]: string
} {
  return {
    [LABEL.installation]: owner.installation,
    [LABEL.deployment]: owner.deploymentId,
    [LABEL.release]: owner.releaseId,
    ...processLabel(owner),
  }
}

function podTemplate(settings: PodSettings, plan: PodPlan): V1PodTemplateSpec {
  const { owner, run } = plan
  const { volumeGiB, runtimeClass, pullSecret } = settings
  return {
    metadata: { labels: ownerLabels(owner) },
    spec: {
      automountServiceAccountToken: false,
      // Else every Service of the namespace stands in the environment.
      enableServiceLinks: false,
      // Its first process is Kubernetes' own then, which takes in what a server leaves behind.
      shareProcessNamespace: true,
      terminationGracePeriodSeconds: run.kind === 'image' ? IMAGE_GRACE_S : GRACE_S,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: USER,
        runAsGroup: USER,
        fsGroup: USER,
        fsGroupChangePolicy: 'OnRootMismatch',
        seccompProfile: { type: 'RuntimeDefault' },
      },
      ...(runtimeClass === null ? {} : { runtimeClassName: runtimeClass }),
      ...(pullSecret === null ? {} : { imagePullSecrets: [{ name: pullSecret }] }),
      ...(volumeGiB === 0 ? {} : { affinity: besideItsOwn(owner) }),
      ...(run.kind === 'image' ? imageParts(settings, plan, run) : bridgeParts(settings, plan)),
    },
  }
}

function imageParts(settings: PodSettings, { owner, memoryMiB }: PodPlan, run: ImageRun) {
  return {
    containers: [imageContainer(run, { secret: secretName(owner), memoryMiB, security: CONTAINER_SECURITY })],
    volumes: [home(settings, owner), TEMPORARY, ...imageVolumes(run, secretName(owner))],
  }
}

const TEMPORARY: V1Volume = { name: 'tmp', emptyDir: { sizeLimit: '1Gi' } }

function bridgeParts(settings: PodSettings, { owner, memoryMiB }: PodPlan) {
  const { image } = settings
  const resources = resourcesFor(memoryMiB)
  const told: V1Container = {
    name: 'told',
    image,
    // The program removes what it was told, which it cannot do in a mounted secret.
    command: ['/bin/cp', `${TOLD}/${DOCUMENT}`, `${RUN}/${DOCUMENT}`],
    securityContext: CONTAINER_SECURITY,
    resources,
    volumeMounts: [
      { name: 'told', mountPath: TOLD, readOnly: true },
      { name: 'run', mountPath: RUN },
    ],
  }
  const server: V1Container = {
    name: SERVER_CONTAINER,
    image,
    ports: [{ name: 'http', containerPort: INSTANCE_PORT }],
    env: [
      {
        name: IMAGE_VARIABLES.secret,
        valueFrom: { secretKeyRef: { name: secretName(owner), key: SECRET_KEY } },
      },
      { name: IMAGE_VARIABLES.documentFile, value: `${RUN}/${DOCUMENT}` },
      { name: IMAGE_VARIABLES.port, value: String(INSTANCE_PORT) },
    ],
    securityContext: CONTAINER_SECURITY,
    resources,
    startupProbe: { httpGet: SIGN_OF_LIFE, periodSeconds: 1, failureThreshold: 120 },
    readinessProbe: { httpGet: SIGN_OF_LIFE, periodSeconds: 5, failureThreshold: 3 },
    livenessProbe: { httpGet: SIGN_OF_LIFE, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 },
    volumeMounts: [
      { name: 'run', mountPath: RUN },
      { name: 'home', mountPath: HOME },
      { name: 'tmp', mountPath: '/tmp' },
    ],
  }
  return {
    initContainers: [told],
    containers: [server],
    volumes: [
      {
        name: 'told',
        secret: {
          secretName: secretName(owner),
          items: [{ key: DOCUMENT, path: DOCUMENT }],
          defaultMode: 0o440,
        },
      },
      { name: 'run', emptyDir: { medium: 'Memory', sizeLimit: '16Mi' } },
      home(settings, owner),
      TEMPORARY,
    ],
  }
}

const SIGN_OF_LIFE = { path: '/healthz', port: INSTANCE_PORT } as const

function home({ volumeGiB }: PodSettings, { deploymentId }: Owner): V1Volume {
  if (volumeGiB === 0) return { name: 'home', emptyDir: { sizeLimit: '2Gi' } }
  return { name: 'home', persistentVolumeClaim: { claimName: claimName(deploymentId) } }
}

/** A volume is on one node at a time: while a release takes over from another, both are there. */
function besideItsOwn({ deploymentId }: Owner) {
  return {
    podAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        {
          topologyKey: 'kubernetes.io/hostname',
          labelSelector: { matchLabels: { [LABEL.deployment]: deploymentId } },
        },
      ],
    },
  }
}

/** What the pod is told, and what proves to it that it is us. Kept only until the pod has read it. */
export function secretManifest(owner: Owner, deploymentUid: string, run: PodRun): V1Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { ...owned(owner, deploymentUid), name: secretName(owner) },
    type: 'Opaque',
    immutable: true,
    // Revealed here and nowhere else on the way to the pod.
    stringData:
      run.kind === 'image' ? imageData(run) : { [SECRET_KEY]: run.secret.reveal(), [DOCUMENT]: run.document },
  }
}

/** @param port where its container listens */
export function serviceManifest(
  owner: Owner,
  deploymentUid: string,
  port: number = INSTANCE_PORT,
): V1Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...owned(owner, deploymentUid), name: releaseName(owner) },
    spec: {
      selector: podSelector(owner),
      ports: [{ name: 'http', port, targetPort: 'http', protocol: 'TCP' }],
      // It is heard while it installs and while it ends.
      publishNotReadyAddresses: true,
    },
  }
}

export function claimManifest(settings: PodSettings, owner: Owner): V1PersistentVolumeClaim {
  const { volumeGiB, storageClass } = settings
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: claimName(owner.deploymentId), labels: commonLabels(owner) },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: `${volumeGiB}Gi` } },
      ...(storageClass === null ? {} : { storageClassName: storageClass }),
    },
  }
}

/** Removed by Kubernetes together with the Deployment of its release. */
export function owned(owner: Owner, deploymentUid: string, process = owner.process ?? 1) {
  return {
    labels: ownerLabels(owner),
    ownerReferences: [
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        name: releaseName({ ...owner, process }),
        uid: deploymentUid,
      },
    ],
  }
}
