/** How much a name is used. */
export interface Popularity {
  readonly name: string
  /** Downloads a week, or another number that grows with use; null when nobody counts. */
  readonly weeklyDownloads: number | null
}

/** How many times as much the other one must be used. Two names of similar use are two projects. */
const FACTOR = 20
/** Nothing that hardly anybody uses is worth imitating. */
const POPULAR = 1_000

/**
 * The well-used package that a name could be mistaken for, or null: one letter more, less, other or swapped in a name of
 * some length; letters of other alphabets; the same words with other separators; the same name in another scope.
 */
export function lookAlike(asked: Popularity, popular: readonly Popularity[]): Popularity | null {
  if (popular.some(({ name }) => name === asked.name && isPopular(asked, asked.weeklyDownloads))) return null
  const similar = popular.filter(
    ({ name, weeklyDownloads }) =>
      name !== asked.name && isPopular(asked, weeklyDownloads) && resembles(asked.name, name),
  )
  return similar.toSorted((a, b) => (b.weeklyDownloads ?? 0) - (a.weeklyDownloads ?? 0))[0] ?? null
}

/** Those of the names that one could be mistaken for. */
export function resembling(name: string, names: readonly string[]): readonly string[] {
  return names.filter((other) => other !== name && resembles(name, other))
}

function isPopular(asked: Popularity, downloads: number | null): boolean {
  return downloads !== null && downloads >= POPULAR && downloads >= FACTOR * (asked.weeklyDownloads ?? 0)
}

function resembles(name: string, other: string): boolean {
  const [a, b] = [split(name), split(other)]
  if (a.scope === b.scope) return isClose(a.base, b.base)
  // `@scope/name` published as `scope-name` or under a scope of nearly the same name.
  if (plain(name) === plain(other)) return true
  return (
    a.base === b.base && a.base.length >= 5 && (a.scope === '' || b.scope === '' || isClose(a.scope, b.scope))
  )
}

function isClose(a: string, b: string): boolean {
  if (plain(a) === plain(b)) return true
  // In short names one letter makes another word.
  return Math.min(a.length, b.length) >= 6 && isOneEditApart(plain(a), plain(b))
}

function split(name: string): { scope: string; base: string } {
  const [, scope = '', base = name] = /^(?:@([^/]+)\/)?(.+)$/.exec(name) ?? []
  return { scope, base }
}

// Letters that look like Latin ones, and digits that look like letters.
const LOOKS_LIKE: Readonly<Record<string, string>> = {
  а: 'a',
  е: 'e',
  о: 'o',
  р: 'p',
  с: 'c',
  х: 'x',
  у: 'y',
  і: 'i',
  ѕ: 's',
  ο: 'o',
  α: 'a',
  ν: 'v',
  '0': 'o',
  '1': 'l',
  '5': 's',
}

/** A name as a hurried eye reads it. */
function plain(name: string): string {
  const letters = Array.from(name.normalize('NFKD').toLowerCase(), (letter) => LOOKS_LIKE[letter] ?? letter)
  return letters
    .join('')
    .replaceAll('rn', 'm')
    .replaceAll('vv', 'w')
    .replaceAll(/[^a-z0-9]/g, '')
}

/** One letter inserted, left out or replaced, or two neighbours swapped. */
function isOneEditApart(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false
  let start = 0
  while (start < a.length && a[start] === b[start]) start += 1
  const [restA, restB] = [a.slice(start), b.slice(start)]
  if (restA.length !== restB.length) return restA.slice(1) === restB || restA === restB.slice(1)
  const isSwap = restA[0] === restB[1] && restA[1] === restB[0] && restA.slice(2) === restB.slice(2)
  return restA.slice(1) === restB.slice(1) || isSwap
}
