const VERSION =
  /^v?(0|[1-9]\d*)(?:\.(0|[1-9]\d*))?(?:\.(0|[1-9]\d*))?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?$/

interface Parsed {
  readonly numbers: readonly bigint[]
  readonly pre: readonly string[]
}

/** Whether it reads as a version; a `v` in front and missing numbers, as tags of repositories have them, are accepted. */
export function isSemver(version: string): boolean {
  return parse(version) !== null
}

/** Whether a version is one before a release. */
export function isSemverPreRelease(version: string): boolean {
  return (parse(version)?.pre.length ?? 0) > 0
}

/** Orders versions by precedence (Semantic Versioning 2.0.0, 11), the older first; what is none comes before all. */
export function compareSemver(a: string, b: string): number {
  const [left, right] = [parse(a), parse(b)]
  if (left === null || right === null) return Number(left !== null) - Number(right !== null)
  for (const [index, number] of left.numbers.entries()) {
    const other = right.numbers[index] ?? 0n
    if (number !== other) return number < other ? -1 : 1
  }
  if (left.pre.length === 0 || right.pre.length === 0)
    return Number(left.pre.length === 0) - Number(right.pre.length === 0)
  return comparePre(left.pre, right.pre)
}

function comparePre(left: readonly string[], right: readonly string[]): number {
  for (const [index, word] of left.entries()) {
    const other = right[index]
    if (other === undefined) return 1
    if (word === other) continue
    const [isNumber, isOtherNumber] = [/^\d+$/.test(word), /^\d+$/.test(other)]
    if (isNumber && isOtherNumber) return BigInt(word) < BigInt(other) ? -1 : 1
    if (isNumber !== isOtherNumber) return isNumber ? -1 : 1
    return word < other ? -1 : 1
  }
  return left.length < right.length ? -1 : 0
}

function parse(version: string): Parsed | null {
  const match = version.length > 256 ? null : VERSION.exec(version)
  if (match === null) return null
  const [, major = '0', minor = '0', patch = '0', pre] = match
  return { numbers: [major, minor, patch].map(BigInt), pre: pre?.split('.') ?? [] }
}
