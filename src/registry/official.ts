import { z } from 'zod'
import { RegistryFailure, type RegistryClient } from '../domain/index.ts'
import type { HttpClient } from '../network/index.ts'
import { ask } from './ask.ts'
import { readServer } from './server-json.ts'

const PAGE = 100

const answer = z.object({
  // An instance without any server may answer with null.
  servers: z.array(z.unknown()).nullable(),
  metadata: z.object({ nextCursor: z.string().max(2_000).nullish() }).nullish(),
})

/** The official MCP Registry and whatever else speaks its API: `/v0.1` of its OpenAPI document. */
export function createOfficialRegistry({ url, http }: { url: string; http: HttpClient }): RegistryClient {
  return {
    name: 'official',
    url,
    tellsChanges: true,
    async page({ cursor, since }, signal) {
      const asked = new URL(`${url}/v0.1/servers?limit=${PAGE}&version=latest`)
      if (cursor !== null) asked.searchParams.set('cursor', cursor)
      // With a moment, deleted entries are among the answers.
      if (since !== null) asked.searchParams.set('updated_since', since.toISOString())
      const { data } = answer.safeParse(await ask(http, asked, signal))
      if (data === undefined) throw new RegistryFailure(`The answer of ${asked.host} is no list of servers.`)
      const servers = (data.servers ?? []).slice(0, PAGE)
      const changes = servers.map(readServer).filter((change) => change !== null)
      const next = data.metadata?.nextCursor ?? ''
      return { changes, unreadable: servers.length - changes.length, nextCursor: next === '' ? null : next }
    },
    async find(name, version, signal) {
      const path = `${encodeURIComponent(name)}/versions/${encodeURIComponent(version ?? 'latest')}`
      const found = await ask(http, new URL(`${url}/v0.1/servers/${path}`), signal)
      const change = found === null ? null : readServer(found)
      return change?.kind === 'present' ? change.entry : null
    },
  }
}
