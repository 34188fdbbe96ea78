export interface Place {
  readonly ref: string | null
  readonly path: string
  readonly isLast: boolean
}

/** Longer names of branches are rare, and each attempt is a request. */
const MAX_ATTEMPTS = 5

/**
 * What a link such as `/tree/a/b/c` may mean, the likeliest first: branch `a` and folder `b/c`, branch `a/b` and folder
 * `c`, branch `a/b/c`. Git knows no branches `a` and `a/b` side by side, so at most one of them exists.
 */
export function placesOf({
  ref,
  path,
}: {
  readonly ref: string | null
  readonly path: string
}): readonly Place[] {
  if (ref === null || path === '') return [{ ref, path, isLast: true }]
  const parts = path.split('/')
  const attempts = Math.min(MAX_ATTEMPTS, parts.length + 1)
  return Array.from({ length: attempts }, (_, taken) => ({
    ref: [ref, ...parts.slice(0, taken)].join('/'),
    path: parts.slice(taken).join('/'),
    isLast: taken === attempts - 1,
  }))
}
