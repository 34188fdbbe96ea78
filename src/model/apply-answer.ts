import type { AnalysedVariable, Analysis, Evidence } from '../domain/index.ts'
import type { Answer } from './answer.ts'
import type { ShownFile } from './choose-files.ts'
import { createProof, type Proof } from './proven.ts'

/** What a model says weighs less than anything that a reader found. */
const CONFIDENCE = 0.5
/** A reader that is at least this sure of a flag is not overruled. */
const SURE = 0.6

export interface Applied {
  readonly analysis: Analysis
  /** How many gaps were filled. */
  readonly filled: number
}

/**
 * Fills gaps of an analysis from a model's answer: descriptions, help links, whether a variable is needed, and which of
 * several are. Names that the analysis does not have, and words that the shown files do not back, are left out; package,
 * command, arguments, verdict and tools are never touched.
 */
export function applyAnswer(analysis: Analysis, answer: Answer, shown: readonly ShownFile[]): Applied {
  const proof = createProof(
    shown.map(({ text }) => text),
    ownNames(analysis),
  )
  const said = new Map(answer.variables.map((entry) => [entry.name, entry]))
  let filled = 0

  const env = analysis.env.map((variable) => {
    const entry = said.get(variable.name)
    if (entry === undefined) return variable
    const changes = changesOf(variable, entry, proof)
    const count = Object.keys(changes).length
    if (count === 0) return variable
    filled += count
    return { ...variable, ...changes, evidence: [...variable.evidence, ...evidenceOf(entry, shown)] }
  })
  const args = analysis.arguments.map((argument) => {
    const description = answer.arguments.find(({ name }) => name === argument.name)?.description ?? null
    if (argument.description !== null || description === null || !proof.text(description)) return argument
    filled += 1
    return { ...argument, description }
  })
  const groups = newGroups(analysis, answer)
  filled += groups.length
  return {
    analysis: { ...analysis, env, arguments: args, requiredOneOf: [...analysis.requiredOneOf, ...groups] },
    filled,
  }
}

function ownNames({ launch, candidates, env, arguments: args }: Analysis): string[] {
  const launches = [...(launch === null ? [] : [launch]), ...candidates.map((candidate) => candidate.launch)]
  return [
    ...launches.flatMap(({ package: { name }, command }) => [name, command]),
    ...[...env, ...args].map(({ name }) => name),
  ]
}

type Entry = Answer['variables'][number]

function changesOf(variable: AnalysedVariable, entry: Entry, proof: Proof): Partial<AnalysedVariable> {
  const description = variable.description ?? entry.description
  const helpUrl = variable.helpUrl ?? (entry.helpUrl === null ? null : proof.link(entry.helpUrl))
  const decides =
    entry.required !== null && entry.required !== variable.required && variable.confidence < SURE
  return {
    ...(description !== variable.description && description !== null && proof.text(description)
      ? { description }
      : {}),
    ...(helpUrl !== variable.helpUrl ? { helpUrl } : {}),
    ...(decides ? { required: entry.required ?? variable.required, confidence: CONFIDENCE } : {}),
  }
}

function evidenceOf({ file, line }: Entry, shown: readonly ShownFile[]): Evidence[] {
  const cited = shown.find(({ path }) => path === file)
  if (cited === undefined || line === null || line < 1 || line > cited.lines) return []
  return [{ file: cited.path, line, reader: 'model' }]
}

/** Groups of known names that no group of the files speaks of yet. */
function newGroups(analysis: Analysis, answer: Answer): (readonly (readonly string[])[])[] {
  const known = new Set(analysis.env.map(({ name }) => name))
  const taken = new Set(analysis.requiredOneOf.flat(2))
  const groups: (readonly (readonly string[])[])[] = []
  for (const { oneOf } of answer.alternatives) {
    const names = oneOf.flat()
    if (oneOf.length < 2 || names.length < 2 || new Set(names).size !== names.length) continue
    if (!names.every((name) => known.has(name) && !taken.has(name))) continue
    for (const name of names) taken.add(name)
    groups.push(oneOf)
  }
  return groups
}
