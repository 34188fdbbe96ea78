import { deployVerdict, type Analysis, type Evidence, type JsonObject, type Trial } from '../domain/index.ts'
import { isNamedAfter } from './names.ts'

/** Readers of code. What only they know of is written down nowhere that a person would look. */
const CODE = new Set(['javascript', 'schema', 'python', 'python-demands', 'go', 'command-line'])

/**
 * An analysis with what a trial boot showed: the real tools, resources and prompts in the place of those that were read,
 * what it did not start without as required, and what only its code asks for, in a part that starts without it, as
 * optional.
 */
export function withProof(
  analysis: Analysis,
  { proof, manifest }: Pick<Trial, 'proof' | 'manifest'>,
): Analysis {
  const needed = new Set(proof.neededPlaceholders)
  const given = new Set(proof.placeholders)
  const packageName = analysis.launch?.package.name ?? ''
  const isIdle = ({ name, evidence }: Known): boolean =>
    proof.booted &&
    !given.has(name) &&
    !isNamedAfter(name, packageName) &&
    evidence.length > 0 &&
    evidence.every(({ reader }) => CODE.has(reader))
  const known = new Map([...analysis.env, ...analysis.arguments].map((one) => [one.name, one]))
  const requiredOneOf = analysis.requiredOneOf.filter(
    (group) =>
      !group.flat().every((name) => isIdle(known.get(name) ?? { name, required: false, evidence: [] })),
  )
  const inGroup = new Set(requiredOneOf.flat(2))
  const demand = <T extends Known>(one: T): T => {
    // A placeholder stands for one alternative of a group; the others stay as good.
    if (needed.has(one.name) && !inGroup.has(one.name)) return { ...one, required: true }
    return one.required && isIdle(one) ? { ...one, required: false } : one
  }
  const env = analysis.env.map(demand)
  const args = analysis.arguments.map(demand)
  const asked = { env, requiredOneOf, arguments: args }
  const verdict = deployVerdict(asked)
  const changes =
    ['deployable', 'needs_input'].includes(analysis.verdict) && verdict.verdict !== analysis.verdict
  return {
    ...analysis,
    ...asked,
    ...(changes ? verdict : {}),
    tools: manifest?.tools.flatMap((tool) => named(tool)) ?? analysis.tools,
    resources: manifest?.resources ?? analysis.resources,
    prompts: manifest?.prompts ?? analysis.prompts,
    proof,
  }
}

interface Known {
  readonly name: string
  readonly required: boolean
  readonly evidence: readonly Evidence[]
}

function named(tool: JsonObject): Analysis['tools'][number][] {
  const { name, description } = tool
  return typeof name === 'string'
    ? [{ name, description: typeof description === 'string' ? description : null }]
    : []
}
