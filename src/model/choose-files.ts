import type { Analysis, Snapshot } from '../domain/index.ts'

/** A file, or the part of it that matters, as the model is shown it. */
export interface ShownFile {
  readonly path: string
  /** The lines, without their numbers. */
  readonly text: string
  /** Number of the first line shown, from 1. */
  readonly firstLine: number
  /** Number of the last line of the whole file. */
  readonly lines: number
}

/** A token of English or code is some four characters; counted low, so that the budget holds for others as well. */
export const CHARACTERS_PER_TOKEN = 3
const LARGEST_FILE_BYTES = 256 * 1024
const LONGEST_LINE = 400
const LINES_AROUND = 12

const DOCUMENTS = [
  /^readme(?:\.\w+)?$/i,
  /^\.env[.-](?:example|sample|template|dist)$/i,
  /^server\.json$/i,
  /^smithery\.ya?ml$/i,
  /^manifest\.json$/i,
]

/**
 * What of a snapshot a model needs to fill the gaps of an analysis, most telling first, within a number of tokens: the
 * documents beside the server, then the lines around each place where a variable was found.
 */
export function chooseFiles(analysis: Analysis, snapshot: Snapshot, maxTokens: number): ShownFile[] {
  const shown: ShownFile[] = []
  let room = maxTokens * CHARACTERS_PER_TOKEN
  const take = (path: string, from: number, to: number) => {
    const text = snapshot.text(path, LARGEST_FILE_BYTES)
    if (text === null) return
    const all = text.split(/\r?\n/)
    const lines = all.slice(from - 1, to).map((line) => line.slice(0, LONGEST_LINE))
    const kept: string[] = []
    for (const line of lines) {
      // Each line is shown with its number.
      room -= line.length + 7
      if (room < 0) break
      kept.push(line)
    }
    if (kept.length > 0) shown.push({ path, text: kept.join('\n'), firstLine: from, lines: all.length })
  }
  const documents = documentsOf(snapshot)
  for (const path of documents) take(path, 1, Infinity)
  for (const [path, [from, to]] of placesOf(analysis)) {
    if (!documents.includes(path) && snapshot.files.has(path)) take(path, from, to)
  }
  return shown
}

function documentsOf(snapshot: Snapshot): string[] {
  const folders = [...new Set([snapshot.path, ''])]
  return folders.flatMap((folder) =>
    DOCUMENTS.flatMap((name) =>
      [...snapshot.files.keys()].filter((path) => {
        const slash = path.lastIndexOf('/')
        return path.slice(0, Math.max(slash, 0)) === folder && name.test(path.slice(slash + 1))
      }),
    ),
  )
}

/** The span of lines of each file that speaks of a variable. */
function placesOf(analysis: Analysis): Map<string, [from: number, to: number]> {
  const spans = new Map<string, [number, number]>()
  for (const { evidence } of [...analysis.env, ...analysis.arguments]) {
    for (const { file, line } of evidence) {
      const [from, to] = spans.get(file) ?? [line, line]
      spans.set(file, [Math.max(1, Math.min(from, line - LINES_AROUND)), Math.max(to, line + LINES_AROUND)])
    }
  }
  return spans
}
