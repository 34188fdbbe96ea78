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
import { commonLabels, claimName, LABEL, ownerLabels, releaseName, secretName, type Owner } from './names.ts'

/** What pods are made of, the same for all of an installation. */
export interface PodSettings {
  readonly image: string
  /** 0: nothing that a server writes is kept. */
  readonly volumeGiB: number
  /** Null for the cluster's default. */
  readonly storageClass: string | null
  /** Such as gVisor's; null for the cluster's default. */
  readonly runtimeClass: string | null
  /** Name of the secret with which the image is pulled; null for none. */
  readonly pullSecret: string | null
}

/** Packages may be installed as a pod starts, which takes more than most servers. */
const LEAST_LIMIT_MIB = 768
const USER = 10_001
const GRACE_S = 10
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

/** Name of the container with the server. */
export const SERVER_CONTAINER = 'server'

/** What a pod reserves and may take at most. */
export function resourcesFor(memoryMiB: number): {
  readonly requests: Record<string, string>
  readonly limits: Record<string, string>
} {
  const memory = memoryMiB + POD_BRIDGE_MIB
  return {
    requests: { cpu: '100m', memory: `${memory}Mi`, 'ephemeral-storage': '256Mi' },
    limits: { cpu: '2', memory: `${Math.max(memory, LEAST_LIMIT_MIB)}Mi`, 'ephemeral-storage': '4Gi' },
  }
}

/** @param replicas 1, or 0 while it sleeps */
export function deploymentManifest(
  settings: PodSettings,
  owner: Owner,
  memoryMiB: number,
  replicas: 0 | 1,
): V1Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: releaseName(owner), labels: ownerLabels(owner) },
    spec: {
      replicas,
      // Of one release there is never more than one pod; releases follow each other as Deployments of their own.
      strategy: { type: 'Recreate' },
      revisionHistoryLimit: 0,
      selector: { matchLabels: podSelector(owner) },
      template: podTemplate(settings, owner, memoryMiB),
    },
  }
}

/** What the pods of a release are found by; never changes. */
export function podSelector(owner: Pick<Owner, 'installation' | 'deploymentId' | 'releaseId'>): {
  [label: string]: string
} {
  return {
    [LABEL.installation]: owner.installation,
    [LABEL.deployment]: owner.deploymentId,
    [LABEL.release]: owner.releaseId,
  }
}

function podTemplate(settings: PodSettings, owner: Owner, memoryMiB: number): V1PodTemplateSpec {
  const { image, volumeGiB, runtimeClass, pullSecret } = settings
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
        valueFrom: { secretKeyRef: { name: secretName(owner.instanceId), key: SECRET_KEY } },
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
    metadata: { labels: ownerLabels(owner) },
    spec: {
      automountServiceAccountToken: false,
      // Else every Service of the namespace stands in the environment.
      enableServiceLinks: false,
      // Its first process is Kubernetes' own then, which takes in what a server leaves behind.
      shareProcessNamespace: true,
      terminationGracePeriodSeconds: GRACE_S,
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
      initContainers: [told],
      containers: [server],
      volumes: [
        {
          name: 'told',
          secret: {
            secretName: secretName(owner.instanceId),
            items: [{ key: DOCUMENT, path: DOCUMENT }],
            defaultMode: 0o440,
          },
        },
        { name: 'run', emptyDir: { medium: 'Memory', sizeLimit: '16Mi' } },
        home(settings, owner),
        { name: 'tmp', emptyDir: { sizeLimit: '1Gi' } },
      ],
    },
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
export function secretManifest(
  owner: Owner,
  deploymentUid: string,
  told: { readonly secret: Secret; readonly document: string },
): V1Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { ...owned(owner, deploymentUid), name: secretName(owner.instanceId) },
    type: 'Opaque',
    immutable: true,
    // Revealed here and nowhere else on the way to the pod.
    stringData: { [SECRET_KEY]: told.secret.reveal(), [DOCUMENT]: told.document },
  }
}

export function serviceManifest(owner: Owner, deploymentUid: string): V1Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...owned(owner, deploymentUid), name: releaseName(owner) },
    spec: {
      selector: podSelector(owner),
      ports: [{ name: 'http', port: INSTANCE_PORT, targetPort: 'http', protocol: 'TCP' }],
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
export function owned(owner: Owner, deploymentUid: string) {
  return {
    labels: ownerLabels(owner),
    ownerReferences: [
      { apiVersion: 'apps/v1', kind: 'Deployment', name: releaseName(owner), uid: deploymentUid },
    ],
  }
}
