const VERSION =
  /^v?(?:(\d+)!)?(\d+(?:\.\d+)*)(?:[-_.]?(a|b|c|rc|alpha|beta|pre|preview)[-_.]?(\d*))?(?:(?:[-_.]?(post|rev|r)[-_.]?(\d*))|-(\d+))?(?:[-_.]?(dev)[-_.]?(\d*))?(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?$/i

const PHASE: Readonly<Record<string, number>> = {
  a: 1,
  alpha: 1,
  b: 2,
  beta: 2,
  c: 3,
  rc: 3,
  pre: 3,
  preview: 3,
}
const FINAL = 4

interface Parsed {
  readonly epoch: number
  readonly release: readonly number[]
  /** Phase and number; a development release of nothing else comes before every phase. */
  readonly pre: readonly [number, number]
  readonly post: number
  readonly dev: number
  readonly local: string
}

/** Whether a version is a pre-release or a development release. */
export function isPreRelease(version: string): boolean {
  const parsed = parse(version)
  return parsed === null || parsed.pre[0] !== FINAL || parsed.dev !== Infinity
}

/** Orders versions as PEP 440 does, the older first; what is no version comes before everything. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [parse(a), parse(b)]
  if (left === null || right === null) return Number(left !== null) - Number(right !== null)
  const length = Math.max(left.release.length, right.release.length)
  const numbers = ({ epoch, release, pre, post, dev }: Parsed): readonly number[] => [
    epoch,
    ...Array.from({ length }, (_, index) => release[index] ?? 0),
    ...pre,
    post,
    dev,
  ]
  const others = numbers(right)
  for (const [index, number] of numbers(left).entries()) {
    const other = others[index] ?? 0
    if (number !== other) return number < other ? -1 : 1
  }
  return left.local === right.local ? 0 : left.local < right.local ? -1 : 1
}

function parse(version: string): Parsed | null {
  const found = VERSION.exec(version)
  if (found === null) return null
  const [
    ,
    epoch = '0',
    release = '',
    phase,
    phaseNumber,
    post,
    postNumber,
    implicitPost,
    dev,
    devNumber,
    local = '',
  ] = found
  const hasDev = dev !== undefined
  const hasPost = post !== undefined || implicitPost !== undefined
  const noPhase: readonly [number, number] = hasDev && !hasPost ? [0, 0] : [FINAL, 0]
  return {
    epoch: Number(epoch),
    release: release.split('.').map(Number),
    pre: phase === undefined ? noPhase : [PHASE[phase.toLowerCase()] ?? 0, Number(phaseNumber ?? 0)],
    post: hasPost ? Number(implicitPost ?? (postNumber === '' ? 0 : postNumber)) : -1,
    dev: hasDev ? Number(devNumber === '' ? 0 : devNumber) : Infinity,
    local: local.toLowerCase().replaceAll(/[-_]/g, '.'),
  }
}
