import type { CollectionMember } from '../domain/index.ts'
import { firstOwners, type Listed, type Members } from './members.ts'
import type { Asking } from './request.ts'

/**
 * Whose a resource is: the first member that lists it; otherwise the one with the template that fits it and begins with
 * the most letters of it; otherwise any that has resources, to be asked in turn.
 */
export async function ownersOf(
  members: Members,
  uri: string,
  asking: Asking,
): Promise<readonly CollectionMember[]> {
  const [resources, templates] = await Promise.all([
    recentOf(members, 'resources/list', asking),
    recentOf(members, 'resources/templates/list', asking),
  ])
  const listed = firstOwners(resources, 'uri').find(({ item }) => item['uri'] === uri)
  if (listed !== undefined) return [listed.member]
  const [fitting] = templates
    .flatMap(({ member, item }) => {
      const { uriTemplate } = item
      const fit = typeof uriTemplate === 'string' ? templateFit(uriTemplate, uri) : null
      return fit === null ? [] : [{ member, fit }]
    })
    .toSorted((a, b) => b.fit - a.fit)
  if (fitting !== undefined) return [fitting.member]
  return [...new Set([...resources, ...templates].map(({ member }) => member))]
}

async function recentOf(
  members: Members,
  method: 'resources/list' | 'resources/templates/list',
  asking: Asking,
): Promise<readonly Listed[]> {
  const lists = await Promise.all(
    members.all().map(async (member) => {
      const items = await members.recent(member, method, asking)
      return items.map((item) => ({ member, item }))
    }),
  )
  return lists.flat()
}

const MAX_TEMPLATE_LETTERS = 2048
const EXPRESSION = /\{([+#./;?&]?)[^{}]*\}/g

/**
 * How many letters of a URI a template (RFC 6570) has before its first expression; null when the URI is none of its.
 * What stands for an expression is not read, only whether the letters around it are there.
 */
export function templateFit(template: string, uri: string): number | null {
  if (template.length > MAX_TEMPLATE_LETTERS) return null
  const literals = template.split(EXPRESSION)
  // Between two literals stands the operator that split keeps.
  const parts = literals.filter((_, index) => index % 2 === 0)
  const [first = '', ...rest] = parts
  if (!uri.startsWith(first)) return null
  const last = rest.at(-1) ?? ''
  if (rest.length === 0) return uri === first ? first.length : null
  if (!uri.endsWith(last) || uri.length < first.length + last.length) return null
  let at = first.length
  for (const part of rest.slice(0, -1)) {
    const found = uri.indexOf(part, at)
    if (found === -1) return null
    at = found + part.length
  }
  return at <= uri.length - last.length ? first.length : null
}
