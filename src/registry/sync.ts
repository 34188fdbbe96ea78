import { RegistryFailure, type RegistryClient, type RegistryPage } from '../domain/index.ts'

/** A walk through the pages of one registry, as far as it has got. */
export interface Crawl {
  /** Where to go on; null at the beginning. */
  readonly cursor: string | null
  /** Only what changed from then on; null when everything is read. */
  readonly since: Date | null
  /** Pages that were read before. */
  readonly pages: number
}

/** Keeps what a crawl finds. Every write is refused, by `false`, when another replica has taken over. */
export interface CrawlStore {
  savePage(page: RegistryPage): Promise<boolean>
  /** After the last page: what was not seen in a crawl of everything is gone. */
  finish(): Promise<boolean>
  /** The crawl goes on from its cursor at the next attempt, or with `restart` from the beginning. */
  fail(message: string, options: { readonly restart: boolean }): Promise<boolean>
}

export interface CrawlResult {
  readonly outcome: 'finished' | 'failed' | 'taken_over'
  readonly pages: number
  readonly entries: number
  readonly unreadable: number
  /** Why it failed. */
  readonly failure: string | null
}

/** More than any registry has; whoever gives more has pages without an end. */
const MAX_PAGES = 2_000

/**
 * Reads a registry from where it stopped to its end, each page kept together with the cursor behind it.
 * @throws the signal's reason; whatever the store throws
 */
export async function crawl(
  client: RegistryClient,
  start: Crawl,
  store: CrawlStore,
  signal: AbortSignal,
): Promise<CrawlResult> {
  const count = { pages: 0, entries: 0, unreadable: 0 }
  const end = (outcome: CrawlResult['outcome'], failure: string | null = null): CrawlResult => ({
    outcome,
    ...count,
    failure,
  })
  const fail = async (message: string, restart: boolean) =>
    end((await store.fail(message, { restart })) ? 'failed' : 'taken_over', message)
  let { cursor } = start
  for (;;) {
    let page: RegistryPage
    try {
      page = await client.page({ cursor, since: start.since }, signal)
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof RegistryFailure)) throw error
      // A cursor that is refused will be refused for ever.
      return fail(error.message, error.isRefusal)
    }
    count.pages += 1
    count.entries += page.changes.length
    count.unreadable += page.unreadable
    if (page.nextCursor !== null && (page.nextCursor === cursor || start.pages + count.pages >= MAX_PAGES)) {
      return fail(`${new URL(client.url).host} gives pages without an end.`, true)
    }
    if (!(await store.savePage(page))) return end('taken_over')
    signal.throwIfAborted()
    cursor = page.nextCursor
    if (cursor === null) return end((await store.finish()) ? 'finished' : 'taken_over')
  }
}
