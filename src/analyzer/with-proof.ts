import type { Analysis, JsonObject, Trial } from '../domain/index.ts'

/**
 * An analysis with what a trial boot showed: the real tools, resources and prompts in the place of those that were read,
 * and what it did not start without as required.
 */
export function withProof(
  analysis: Analysis,
  { proof, manifest }: Pick<Trial, 'proof' | 'manifest'>,
): Analysis {
  const needed = new Set(proof.neededPlaceholders)
  const inGroup = new Set(analysis.requiredOneOf.flat(2))
  const demand = <T extends { readonly name: string; readonly required: boolean }>(one: T): T =>
    // A placeholder stands for one alternative of a group; the others stay as good.
    needed.has(one.name) && !inGroup.has(one.name) ? { ...one, required: true } : one
  const env = analysis.env.map(demand)
  const args = analysis.arguments.map(demand)
  const asksMore = [...env, ...args].some((one) => one.required) && analysis.verdict === 'deployable'
  return {
    ...analysis,
    verdict: asksMore ? 'needs_input' : analysis.verdict,
    reason: asksMore ? 'It needs values that only you have.' : analysis.reason,
    env,
    arguments: args,
    tools: manifest?.tools.flatMap((tool) => named(tool)) ?? analysis.tools,
    resources: manifest?.resources ?? analysis.resources,
    prompts: manifest?.prompts ?? analysis.prompts,
    proof,
  }
}

function named(tool: JsonObject): Analysis['tools'][number][] {
  const { name, description } = tool
  return typeof name === 'string'
    ? [{ name, description: typeof description === 'string' ? description : null }]
    : []
}
