import type { Snapshot } from '../../domain/index.ts'
import type { Fact } from '../facts.ts'
import { fromAssignments } from '../readme/variables.ts'

export const ENV_EXAMPLE =
  /^(?:\.env[.-](?:example|sample|template|dist|local\.example|defaults)|(?:example|sample|template)\.env|env\.(?:example|sample|template))$/i

/** `.env.example` and its kin: names, comments, and by being commented out whether they are optional. */
export function readEnvExample(snapshot: Snapshot, path: string): readonly Fact[] {
  const text = snapshot.text(path)
  if (text === null) return []
  return fromAssignments(
    path,
    { kind: 'code', line: 1, text, language: '', rows: [], headings: [] },
    {},
    'sample',
    'env-example',
  )
}
