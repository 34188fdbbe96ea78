import type { RouteOutput } from '../../contract/index.ts'
import type { queries } from '../../db/index.ts'
import { fitsName, searchesTools } from '../../domain/index.ts'

type Shown = RouteOutput<'getCollection'>

/** A collection as the API shows it. */
export function presentCollection(publicUrl: string, row: queries.CollectionRow): Shown {
  const toolCount = row.members.reduce((sum, { tools }) => sum + (tools?.length ?? 0), 0)
  return {
    id: row.id,
    slug: row.slug,
    name: row.name,
    endpoint: `${publicUrl}/mcp/${row.slug}`,
    access: row.access,
    allowedOrigins: [...row.allowed_origins],
    listing: row.listing,
    searchOver: row.search_over,
    members: row.members.map((member) => ({
      deploymentId: member.deployment_id,
      slug: member.slug,
      name: member.name,
      prefix: member.prefix,
      toolCount: member.tools?.length ?? null,
      promptCount: member.prompts?.length ?? null,
    })),
    toolCount,
    searches: searchesTools(row.listing, row.search_over, toolCount),
    warnings: [...longNames(row), ...sharedUris(row)],
    createdAt: row.created_at.toISOString(),
  }
}

function longNames({ members }: queries.CollectionRow): string[] {
  return members.flatMap(({ slug, prefix, tools, prompts }) =>
    [...(tools ?? []), ...(prompts ?? [])]
      .filter((name) => !fitsName(prefix, name))
      .map((name) => `${name.slice(0, 200)} of ${slug} is left out: with its prefix its name is too long.`),
  )
}

/** The first member that lists a URI has it. */
function sharedUris({ members }: queries.CollectionRow): string[] {
  const owners = new Map<string, string>()
  const warnings: string[] = []
  for (const { slug, uris } of members) {
    for (const uri of uris ?? []) {
      const owner = owners.get(uri)
      if (owner === undefined) owners.set(uri, slug)
      else if (owner !== slug)
        warnings.push(`The resource ${uri.slice(0, 200)} is that of ${owner}; that of ${slug} is left out.`)
    }
  }
  return warnings
}
