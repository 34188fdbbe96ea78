// What an API server looks at before it takes an object: the types of Kubernetes' OpenAPI document, members that there are
// not, and what its prose demands of names, labels and pods of a namespace that enforces the restricted profile.
import { isDeepStrictEqual } from 'node:util'
import { dumpYaml, loadYaml } from '@kubernetes/client-node'
import { Deployment } from 'kubernetes-models/apps/v1/Deployment'
import { SelfSubjectAccessReview } from 'kubernetes-models/authorization.k8s.io/v1/SelfSubjectAccessReview'
import { Ingress } from 'kubernetes-models/networking.k8s.io/v1/Ingress'
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget'
import { Role } from 'kubernetes-models/rbac.authorization.k8s.io/v1/Role'
import { RoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1/RoleBinding'
import { Namespace } from 'kubernetes-models/v1/Namespace'
import { PersistentVolumeClaim } from 'kubernetes-models/v1/PersistentVolumeClaim'
import { Secret } from 'kubernetes-models/v1/Secret'
import { Service } from 'kubernetes-models/v1/Service'
import { ServiceAccount } from 'kubernetes-models/v1/ServiceAccount'
import { parse } from 'yaml'

export type Json = Readonly<Record<string, unknown>>

const MODELS: Readonly<Record<string, new (data: never) => { validate(): void }>> = {
  'apps/v1 Deployment': Deployment,
  'authorization.k8s.io/v1 SelfSubjectAccessReview': SelfSubjectAccessReview,
  'networking.k8s.io/v1 Ingress': Ingress,
  'networking.k8s.io/v1 NetworkPolicy': NetworkPolicy,
  'policy/v1 PodDisruptionBudget': PodDisruptionBudget,
  'rbac.authorization.k8s.io/v1 Role': Role,
  'rbac.authorization.k8s.io/v1 RoleBinding': RoleBinding,
  'v1 Namespace': Namespace,
  'v1 PersistentVolumeClaim': PersistentVolumeClaim,
  'v1 Secret': Secret,
  'v1 Service': Service,
  'v1 ServiceAccount': ServiceAccount,
}

export function fieldsOf(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {}
}

export function listOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.map(fieldsOf) : []
}

/** What is wrong with an object; null when an API server would take it. */
export function objectProblem(object: Json): string | null {
  const kind = `${String(object['apiVersion'])} ${String(object['kind'])}`
  const Model = MODELS[kind]
  if (Model === undefined) return `${kind} is not known`
  try {
    // What it is made of is what is to be validated.
    new Model(object as never).validate()
  } catch (error) {
    return `${kind}: ${error instanceof Error ? error.message : String(error)}`
  }
  return unknownMember(object) ?? metadataProblem(fieldsOf(object['metadata']))
}

/** The official types keep what they know: what is lost on the way through them does not exist. */
function unknownMember(object: Json): string | null {
  const known: unknown = parse(dumpYaml(loadYaml(JSON.stringify(object))))
  return difference(object, known, '')
}

function difference(given: unknown, known: unknown, at: string): string | null {
  if (Array.isArray(given)) {
    const others: readonly unknown[] = Array.isArray(known) ? known : []
    return given.reduce<string | null>(
      (found, one, index) => found ?? difference(one, others[index], `${at}[${index}]`),
      null,
    )
  }
  if (typeof given === 'object' && given !== null) {
    for (const [name, value] of Object.entries(given)) {
      const other = fieldsOf(known)
      if (!(name in other)) return `unknown field "${at}.${name}"`
      const found = difference(value, other[name], `${at}.${name}`)
      if (found !== null) return found
    }
    return null
  }
  // Times are written in more than one way, and text that looks like a number is written without quotes.
  const isText = typeof given === 'string' && typeof known === 'number' && Object.is(Number(given), known)
  if (isText || isDeepStrictEqual(given, known) || at.endsWith('Timestamp') || at.endsWith('Time'))
    return null
  return `${at} is ${String(known)} once it is read`
}

const DNS_LABEL = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/
const LABEL_VALUE = /^([A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?)?$/
const LABEL_NAME = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?$/

function metadataProblem({ name, labels }: Json): string | null {
  const isNamed = name === undefined || (typeof name === 'string' && DNS_LABEL.test(name))
  if (!isNamed) return `metadata.name: ${JSON.stringify(name)}`
  for (const [label, value] of Object.entries(fieldsOf(labels))) {
    if (!LABEL_NAME.test(label) || !LABEL_VALUE.test(String(value)))
      return `metadata.labels: "${label}=${String(value)}"`
  }
  return null
}

const VOLUMES = new Set([
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
])

/**
 * What the restricted profile of the pod security standards forbids in a pod.
 * https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
 */
export function restrictedProblems(spec: Json): readonly string[] {
  const problems: string[] = []
  for (const name of ['hostNetwork', 'hostPID', 'hostIPC']) if (spec[name] === true) problems.push(name)
  const pod = fieldsOf(spec['securityContext'])
  if (listOf(pod['sysctls']).length > 0) problems.push('sysctls')
  for (const volume of listOf(spec['volumes'])) {
    const kinds = Object.keys(volume).filter((key) => key !== 'name')
    if (kinds.some((kind) => !VOLUMES.has(kind))) problems.push(`volume ${String(volume['name'])}`)
  }
  const containers = ['containers', 'initContainers', 'ephemeralContainers'].flatMap((all) =>
    listOf(spec[all]),
  )
  for (const container of containers) {
    const own = fieldsOf(container['securityContext'])
    const say = (what: string): unknown => problems.push(`${String(container['name'])}: ${what}`)
    const either = (name: string): unknown => own[name] ?? pod[name]
    if (own['privileged'] === true) say('privileged')
    if (own['allowPrivilegeEscalation'] !== false) say('allowPrivilegeEscalation != false')
    if (either('runAsNonRoot') !== true) say('runAsNonRoot != true')
    if (either('runAsUser') === 0) say('runAsUser=0')
    const seccomp = fieldsOf(either('seccompProfile'))['type']
    if (seccomp !== 'RuntimeDefault' && seccomp !== 'Localhost') say('seccompProfile')
    const { drop, add } = fieldsOf(own['capabilities'])
    if (!Array.isArray(drop) || !drop.includes('ALL')) say('unrestricted capabilities')
    if (Array.isArray(add) && add.some((one) => one !== 'NET_BIND_SERVICE')) say('added capabilities')
    if (own['procMount'] === 'Unmasked') say('procMount')
    if (listOf(container['ports']).some(({ hostPort }) => (hostPort ?? 0) !== 0)) say('hostPort')
  }
  return problems
}
