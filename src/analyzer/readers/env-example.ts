import type { Snapshot } from '../../domain/index.ts'
import type { Fact, VariableFact } from '../facts.ts'
import { alternativesOf, IS_WAY } from '../readme/alternatives.ts'
import { fromAssignments } from '../readme/variables.ts'

export const ENV_EXAMPLE =
  /^(?:\.env[.-](?:example|sample|template|dist|local\.example|defaults)|(?:example|sample|template)\.env|env\.(?:example|sample|template))$/i

/** `.env.example` and its kin: names, comments, and by being commented out whether they are optional. */
export function readEnvExample(snapshot: Snapshot, path: string): readonly Fact[] {
  const text = snapshot.text(path)
  if (text === null) return []
  const facts = fromAssignments(
    path,
    { kind: 'code', line: 1, text, language: '', rows: [], headings: [] },
    {},
    'sample',
    'env-example',
  )
  return [...facts, ...alternativesOf(waysOf(text, facts))]
}

/** What comes long after a comment is not below it. */
const LONGEST = 40

/** The variables below each comment that begins one of several ways. */
function waysOf(text: string, facts: readonly VariableFact[]): Parameters<typeof alternativesOf>[0] {
  const starts = text
    .split('\n')
    .flatMap((line, index) => (/^\s*#/.test(line) && IS_WAY.test(line) ? [index + 1] : []))
  return starts.flatMap((from, i) => {
    const inside = facts.filter(
      ({ evidence }) =>
        evidence.line > from && evidence.line < Math.min(starts[i + 1] ?? from + LONGEST, from + LONGEST),
    )
    const [first] = inside
    return first === undefined ? [] : [{ names: inside.map(({ name }) => name), evidence: first.evidence }]
  })
}
