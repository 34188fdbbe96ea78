/** Who a pod is for; a preparation is of no release yet. */
export interface Owner {
  /** Tells what this installation made from what others made in the same namespace. */
  readonly installation: string
  readonly workspaceId: string
  readonly deploymentId: string
  readonly releaseId: string
  readonly instanceId: string
  /**
   * Which of the processes of an instance, from 1, where each has a pod of its own. Not there: the program in the pod starts
   * them.
   */
  readonly process?: number
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
  process: 'catwalk/process',
  epoch: 'catwalk/epoch',
} as const

/** Releases that a preparation stands for. */
export const PREPARATION = 'rel_preparation'

/** Of the Deployment, Service and NetworkPolicy of a release: the same each time, so that there is one at most. */
export function releaseName({
  deploymentId,
  releaseId,
  ...process
}: Pick<Owner, 'deploymentId' | 'releaseId' | 'process'>): string {
  return `cw-${bare(deploymentId)}-${bare(releaseId)}${suffix(process)}`
}

/** Of the Secret of one instance: a pod of an earlier one never starts with what is meant for the next. */
export function secretName({ instanceId, ...process }: Pick<Owner, 'instanceId' | 'process'>): string {
  return `cw-${bare(instanceId)}${suffix(process)}`
}

/** Whether it is a process beside the first, which comes and goes while the instance lives. */
export function isFurther({ process = 1 }: Pick<Owner, 'process'>): boolean {
  return process > 1
}

/** What the first process has is named as that of the release: whoever starts the release claims it. */
function suffix(process: Pick<Owner, 'process'>): string {
  return isFurther(process) ? `-${process.process}` : ''
}

/** What the pod of an instance, or of one process of it, is found by. */
export function podLabels({
  instanceId,
  process,
}: Pick<Owner, 'instanceId' | 'process'>): Record<string, string> {
  return { [LABEL.instance]: instanceId, ...processLabel({ process }) }
}

/** The label of a process; none where it has no pod of its own. */
export function processLabel({ process }: { readonly process?: number | undefined }): Record<string, string> {
  return process === undefined ? {} : { [LABEL.process]: String(process) }
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
    ...processLabel(owner),
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
