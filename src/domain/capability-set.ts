import type { JsonObject, Manifest } from './manifest.ts'

/** What a server offers to clients with the same capabilities. */
export type Offers = Pick<
  Manifest,
  'capabilities' | 'instructions' | 'tools' | 'resources' | 'resourceTemplates' | 'prompts'
>

/** By capability set; null where it is what clients without capabilities are offered. */
export type OffersBySet = Readonly<Record<string, Offers | null>>

/** The set of a client that declares nothing. */
export const NO_CAPABILITIES = ''
/** Sets of one release whose offers are kept. */
export const MOST_SETS = 16

const MOST_LETTERS = 500
const NAME = /^[\w.:/-]+$/

/**
 * The capabilities that a client declares, as one name: members of the object and of its members, in order, such as
 * `elicitation elicitation.form roots`. What is further inside tells no sets apart.
 * @returns null for what is too much, or too odd, to be kept
 */
export function capabilitySetOf(capabilities: object): string | null {
  const names: string[] = []
  for (const [name, value] of Object.entries(capabilities)) {
    const inner: unknown = value
    names.push(name)
    if (typeof inner === 'object' && inner !== null)
      for (const key of Object.keys(inner)) names.push(`${name}.${key}`)
    if (names.length > MOST_LETTERS) return null
  }
  if (!names.every((name) => NAME.test(name))) return null
  const set = names.toSorted().join(' ')
  return set.length <= MOST_LETTERS ? set : null
}

/** Whether it is the name of a set, not that of clients without capabilities. */
export function isCapabilitySet(set: unknown): set is string {
  return (
    typeof set === 'string' && set.length <= MOST_LETTERS && set.split(' ').every((name) => NAME.test(name))
  )
}

export function offersOf(manifest: Manifest): Offers {
  const { capabilities, instructions, tools, resources, resourceTemplates, prompts } = manifest
  return { capabilities, instructions, tools, resources, resourceTemplates, prompts }
}

/** All tools of all sets that offer other ones. */
export function toolsOfSets(sets: OffersBySet): readonly JsonObject[] {
  return Object.values(sets).flatMap((offers) => offers?.tools ?? [])
}
