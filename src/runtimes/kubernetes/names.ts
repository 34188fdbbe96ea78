/** Who a pod is for; a preparation is of no release yet. */
export interface Owner {
  /** Tells what this installation made from what others made in the same namespace. */
  readonly installation: string
  readonly workspaceId: string
  readonly deploymentId: string
  readonly releaseId: string
  readonly instanceId: string
  /** Of the lease under which it is made. */
  readonly epoch: number
}

/** Labels of what we make, by which it is found again. */
export const LABEL = {
  installation: 'catwalk/installation',
  workspace: 'catwalk/workspace',
  deployment: 'catwalk/deployment',
  release: 'catwalk/release',
  instance: 'catwalk/instance',
  epoch: 'catwalk/epoch',
} as const

/** Releases that a preparation stands for. */
export const PREPARATION = 'rel_preparation'

/** Of the Deployment, Service and NetworkPolicy of a release: the same each time, so that there is one at most. */
export function releaseName({ deploymentId, releaseId }: Pick<Owner, 'deploymentId' | 'releaseId'>): string {
  return `cw-${bare(deploymentId)}-${bare(releaseId)}`
}

/** Of the Secret of one instance: a pod of an earlier one never starts with what is meant for the next. */
export function secretName(instanceId: string): string {
  return `cw-${bare(instanceId)}`
}

/** Of the volume of a deployment. */
export function claimName(deploymentId: string): string {
  return `cw-${bare(deploymentId)}`
}

export function ownerLabels(owner: Owner): Record<string, string> {
  return {
    ...commonLabels(owner),
    [LABEL.release]: owner.releaseId,
    [LABEL.instance]: owner.instanceId,
    [LABEL.epoch]: String(owner.epoch),
  }
}

/** Of what belongs to the deployment, whatever release it runs. */
export function commonLabels({
  installation,
  workspaceId,
  deploymentId,
}: Pick<Owner, 'installation' | 'workspaceId' | 'deploymentId'>): Record<string, string> {
  return {
    'app.kubernetes.io/name': 'catwalk-server',
    'app.kubernetes.io/managed-by': 'catwalk',
    [LABEL.installation]: installation,
    [LABEL.workspace]: workspaceId,
    [LABEL.deployment]: deploymentId,
  }
}

/** A label selector that wants all of these. */
export function selectorOf(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(',')
}

function bare(id: string): string {
  return id.slice(id.indexOf('_') + 1)
}
