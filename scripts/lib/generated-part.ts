import { readFile, writeFile } from 'node:fs/promises'

// Link definitions that nothing refers to: they show nowhere, also where HTML in Markdown is not allowed.
const BEGIN = '[//]: # (made by npm run generate, do not edit)'
const END = '[//]: # (end of what is made)'

/**
 * Puts `content` between the marks of a page, whose other parts are written by hand.
 * @returns whether the page was as it should be; with `check` it is left alone
 */
export async function replaceGeneratedPart(
  page: URL,
  content: string,
  { check }: { check: boolean },
): Promise<boolean> {
  const found = await readFile(page, 'utf8')
  const begin = found.indexOf(BEGIN)
  const end = found.indexOf(END)
  if (begin === -1 || end < begin) throw new Error(`${page.pathname} has no marks of a generated part.`)
  const wanted = `${found.slice(0, begin)}${BEGIN}\n\n${content.trim()}\n\n${found.slice(end)}`
  if (found === wanted) return true
  if (!check) await writeFile(page, wanted)
  return false
}
