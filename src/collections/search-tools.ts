import type { JsonObject } from '../domain/index.ts'

export const SEARCH_TOOL = 'search_tools'
export const CALL_TOOL = 'call_tool'

const DEFAULT_RESULTS = 10
const MAX_RESULTS = 50
const MAX_QUERY_LETTERS = 1000
/** What a word of the query is worth where it stands. */
const WORTH = { name: 5, beginsName: 3, insideName: 2, description: 1 } as const

/** The two tools that stand for all others. */
export function searchingTools(toolCount: number, prefixes: readonly string[]): readonly JsonObject[] {
  return [
    {
      name: SEARCH_TOOL,
      title: 'Search tools',
      description: `Finds tools among the ${toolCount} that this endpoint has, of: ${prefixes.join(', ')}. Returns their names, descriptions and input schemas. Call what you find with ${CALL_TOOL}.`,
      inputSchema: {
        type: 'object',
        properties: {
          query: { type: 'string', description: 'What the tool should do, in a few words' },
          limit: { type: 'integer', minimum: 1, maximum: MAX_RESULTS, default: DEFAULT_RESULTS },
        },
        required: ['query'],
      },
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    {
      name: CALL_TOOL,
      title: 'Call a tool',
      description: `Calls a tool that ${SEARCH_TOOL} found.`,
      inputSchema: {
        type: 'object',
        properties: {
          name: { type: 'string', description: `The name as ${SEARCH_TOOL} gave it` },
          arguments: { type: 'object', description: "By the tool's input schema" },
        },
        required: ['name'],
      },
    },
  ]
}

/**
 * What `search_tools` answers.
 * @returns null when the arguments are not as its schema wants them
 */
export function searchResult(tools: readonly JsonObject[], given: JsonObject): JsonObject | null {
  const { query, limit = DEFAULT_RESULTS } = given
  if (typeof query !== 'string' || typeof limit !== 'number' || limit < 1) return null
  const found = rankTools(tools, query.slice(0, MAX_QUERY_LETTERS))
    .slice(0, Math.min(limit, MAX_RESULTS))
    .map(({ name, title, description, inputSchema }) => ({
      name: name ?? '',
      ...(title === undefined ? {} : { title }),
      ...(description === undefined ? {} : { description }),
      ...(inputSchema === undefined ? {} : { inputSchema }),
    }))
  const structuredContent = { tools: found, of: tools.length }
  return {
    content: [{ type: 'text', text: JSON.stringify(structuredContent) }],
    structuredContent,
  }
}

/** The tools that have a word of the query in their name or description, best first. */
export function rankTools(tools: readonly JsonObject[], query: string): readonly JsonObject[] {
  const words = [...new Set(wordsOf(query))]
  const known = tools.map((tool) => {
    const name = wordsOf(`${textOf(tool['name'])} ${textOf(tool['title'])}`)
    return { tool, name, joined: name.join(''), description: new Set(wordsOf(textOf(tool['description']))) }
  })
  const scores = new Map<JsonObject, number>()
  for (const word of words) {
    const worth = known.map(({ name, joined, description }) => {
      if (name.includes(word)) return WORTH.name
      if (name.some((part) => part.startsWith(word) || (part.length > 2 && word.startsWith(part)))) {
        return WORTH.beginsName
      }
      if (joined.includes(word)) return WORTH.insideName
      return description.has(word) ? WORTH.description : 0
    })
    const having = worth.filter((value) => value > 0).length
    // A word that every tool has tells nothing.
    const rarity = Math.log(1 + tools.length / Math.max(1, having))
    for (const [index, { tool }] of known.entries()) {
      scores.set(tool, (scores.get(tool) ?? 0) + (worth[index] ?? 0) * rarity)
    }
  }
  return tools
    .filter((tool) => (scores.get(tool) ?? 0) > 0)
    .toSorted((a, b) => (scores.get(b) ?? 0) - (scores.get(a) ?? 0))
}

/** Lower-case words; `createIssue` and `create_issue` are the same two. */
function wordsOf(text: string): string[] {
  return text
    .replaceAll(/(\p{Ll}|\d)(\p{Lu})/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '')
}

function textOf(value: JsonObject[string] | undefined): string {
  return typeof value === 'string' ? value : ''
}
