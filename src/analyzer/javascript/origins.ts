/** Whether the code at an offset was written for this program or bundled from a library. */
export type Origin = 'own' | 'library'

// What bundlers write between modules: esbuild `// node_modules/x/y.js`, rolldown `//#region src/a.ts`, webpack
// `!*** ./node_modules/x/y.js ***!`.
const MARK =
  /^(?:[ \t]*\/\/ ?(?:#region )?(?:[\w@-]+:)?((?:\.{0,2}\/)*(?:[\w@.+~-]+\/)+[\w@.+~-]+\.[cm]?[jt]sx?)(?:\?[\w=-]+)?|[ \t]*!?\*+! ?(\.\/[^\s*]{1,300}))/gm

/** Folders of what others wrote. */
const OTHERS = /(?:^|\/)(?:node_modules|third[_-]party|vendor(?:ed)?)\//

/** Finds out from a bundle's comments which of its parts are whose; without such comments all is its own. */
export function originsOf(path: string, text: string): (offset: number) => Origin {
  const whole: Origin = OTHERS.test(path) ? 'library' : 'own'
  const starts: number[] = [0]
  const origins: Origin[] = [whole]
  for (const match of text.matchAll(MARK)) {
    const module = match[1] ?? match[2] ?? ''
    starts.push(match.index)
    origins.push(OTHERS.test(module) ? 'library' : whole)
  }
  if (!origins.includes('library')) return () => whole
  return (offset) => {
    let low = 0
    let high = starts.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle
    }
    return origins[low] ?? whole
  }
}
