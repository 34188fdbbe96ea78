import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parseAllDocuments } from 'yaml'
import { fieldsOf, listOf, type Json } from './validate.ts'

const MANIFESTS = fileURLToPath(new URL('../../../deploy/kubernetes/', import.meta.url))

/** What somebody wants to do. */
export interface Attributes {
  readonly group: string
  /** With its subresource, as `pods/log`. */
  readonly resource: string
  readonly verb: string
}

/** The objects of one of our manifests. */
export async function manifestsOf(file: string): Promise<readonly Json[]> {
  const documents = parseAllDocuments(await readFile(MANIFESTS + file, 'utf8'))
  return documents.map((document) => fieldsOf(document.toJS()))
}

/** The rules that our own Role grants, as an API server would apply them. */
export async function ownRole(): Promise<(wanted: Attributes) => boolean> {
  const role = (await manifestsOf('servers.yaml')).find(({ kind }) => kind === 'Role')
  const rules = listOf(role?.['rules'])
  return ({ group, resource, verb }) =>
    rules.some(
      (rule) => has(rule, 'apiGroups', group) && has(rule, 'resources', resource) && has(rule, 'verbs', verb),
    )
}

function has(rule: Json, member: string, value: string): boolean {
  const all = rule[member]
  return Array.isArray(all) && (all.includes(value) || all.includes('*'))
}
