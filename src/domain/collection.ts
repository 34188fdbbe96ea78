import { CatwalkError } from './errors.ts'
import { quoted } from './quoted.ts'

/**
 * Whether a collection lists the tools of its members, or two tools that search for them and call them. `auto`: the
 * latter when there are more than a number of them.
 */
export type ToolListing = 'auto' | 'flat' | 'search'

export interface CollectionMember {
  readonly deploymentId: string
  /** Stands before the names of its tools and prompts, with an underscore. Unique in the collection. */
  readonly prefix: string
}

/** What a collection is made of, in the order in which its lists are. */
export interface Collection {
  readonly name: string
  readonly listing: ToolListing
  readonly searchOver: number
  readonly members: readonly CollectionMember[]
}

const MAX_MEMBERS = 50
const MAX_PREFIX_LETTERS = 32
/** 2025-11-25, tools, tool names. */
const MAX_NAME_LETTERS = 128
/** Their names would be those of the tools that search and call. */
const RESERVED = new Set(['search', 'call'])

/** Without an underscore, so that what stands before the first one in a name is the prefix and nothing else can be. */
const PREFIX = /^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/

export function prefixedName(prefix: string, name: string): string {
  return `${prefix}_${name}`
}

/** A name in a collection taken apart; null when it has no prefix. */
export function splitName(name: string): { readonly prefix: string; readonly name: string } | null {
  const at = name.indexOf('_')
  return at < 1 ? null : { prefix: name.slice(0, at), name: name.slice(at + 1) }
}

/** Whether a name of a member, with its prefix, is as long as a name may be. */
export function fitsName(prefix: string, name: string): boolean {
  return prefixedName(prefix, name).length <= MAX_NAME_LETTERS
}

/** Whether the tools of a collection are found by searching. */
export function searchesTools(listing: ToolListing, searchOver: number, toolCount: number): boolean {
  return listing === 'search' || (listing === 'auto' && toolCount > searchOver)
}

/** The prefix of a deployment that nobody chose one for. */
export function defaultPrefix(slug: string): string {
  const short = slug.slice(0, MAX_PREFIX_LETTERS).replace(/-+$/, '')
  return RESERVED.has(short) ? `${short}-server` : short
}

/**
 * Refuses a member that cannot join.
 * @param names of its tools and prompts, as far as they are known
 * @throws CatwalkError `prefix_invalid`, `prefix_taken`, `collection_full`
 */
export function checkMember(
  others: readonly CollectionMember[],
  { prefix }: CollectionMember,
  names: readonly string[],
): void {
  const details = { field: 'prefix' }
  if (others.length >= MAX_MEMBERS) {
    throw new CatwalkError('collection_full', `A collection has at most ${MAX_MEMBERS} deployments.`)
  }
  if (prefix.length > MAX_PREFIX_LETTERS || !PREFIX.test(prefix)) {
    const message = `${quoted(prefix)} is not a prefix: letters, digits and hyphens, ${MAX_PREFIX_LETTERS} at most.`
    throw new CatwalkError('prefix_invalid', message, { details })
  }
  if (RESERVED.has(prefix.toLowerCase())) {
    const message = `The prefix ${quoted(prefix)} is kept for the tools that search and call.`
    throw new CatwalkError('prefix_invalid', message, { details })
  }
  if (others.some((other) => other.prefix.toLowerCase() === prefix.toLowerCase())) {
    const message = `The prefix ${quoted(prefix)} belongs to another deployment of the collection.`
    throw new CatwalkError('prefix_taken', message, { details })
  }
  const long = names.find((name) => !fitsName(prefix, name))
  if (long === undefined) return
  const message = `With the prefix ${quoted(prefix)} the name of ${quoted(long)} has more than ${MAX_NAME_LETTERS} letters.`
  throw new CatwalkError('prefix_invalid', message, { help: 'Choose a shorter prefix.', details })
}
