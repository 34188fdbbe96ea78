import type { Snapshot } from '../../domain/index.ts'
import type { Fact } from '../facts.ts'

/** Variables that a Dockerfile sets or takes, and whether its image brings a browser. */
export function readDockerfile(snapshot: Snapshot, path: string): readonly Fact[] {
  const text = snapshot.text(path)
  if (text === null) return []
  const facts: Fact[] = []
  for (const [index, line] of text.split('\n').entries()) {
    const match = /^\s*(?:ENV|ARG)\s+(.{1,2000})$/i.exec(line)
    if (match?.[1] === undefined) continue
    for (const one of match[1].matchAll(/([A-Z][A-Z0-9_]{2,80})(?:=("[^"]*"|\S*)|\s+(\S+))?/g)) {
      const value = (one[2] ?? one[3] ?? '').replaceAll('"', '')
      facts.push({
        kind: 'variable',
        name: one[1] ?? '',
        role: 'sample',
        required: null,
        ...(value === '' ? {} : { example: value }),
        evidence: { file: path, line: index + 1, reader: 'dockerfile' },
      })
      if (one[3] !== undefined) break
    }
  }
  return facts
}
