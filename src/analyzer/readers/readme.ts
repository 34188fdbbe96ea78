import type { Snapshot } from '../../domain/index.ts'
import type { Fact } from '../facts.ts'
import { blocksOf } from '../readme/markdown.ts'
import { readStarts } from '../readme/starts.ts'
import { readVariables } from '../readme/variables.ts'

/** A document in Markdown. */
export function readReadme(snapshot: Snapshot, path: string): readonly Fact[] {
  const text = snapshot.text(path)
  if (text === null) return []
  const blocks = blocksOf(text)
  return [...readStarts(path, blocks), ...readVariables(path, blocks)]
}
