import type { Config } from '../config/index.ts'
import { queries } from '../db/index.ts'
import type { Logger, RegistryClient } from '../domain/index.ts'
import { createHttpClient, type HttpClient } from '../network/index.ts'
import { crawl, createGlama, createOfficialRegistry } from '../registry/index.ts'

export interface RegistriesOptions {
  readonly db: queries.Handle
  readonly nodeId: string
  readonly config: Pick<Config, 'registryUrl' | 'glamaUrl' | 'registrySyncMs'>
  readonly userAgent: string
  readonly logger: Logger
}

export interface Registries extends AsyncDisposable {
  /** The MCP Registry; null when none is configured. */
  readonly official: RegistryClient | null
  /** Looks now whether a registry is due. */
  poke(): void
}

/** How often it is looked whether a registry is due. */
const LOOK_MS = 30_000
const DAY_S = 86_400
const WEEK_S = 7 * DAY_S
/** First wait after a failure; doubles each time. */
const RETRY_S = 60
const LONGEST_RETRY_S = 6 * 3_600

/** Keeps copies of the public registries in the database, in the background. Whatever goes wrong, the copies stay. */
export async function startRegistries(options: RegistriesOptions): Promise<Registries> {
  const { db, config, logger } = options
  const { registryUrl, glamaUrl } = config
  const urls = [registryUrl, glamaUrl].filter((url) => url !== null)
  const http: HttpClient = createHttpClient({
    trustedOrigins: urls.map((url) => new URL(url).origin),
    userAgent: options.userAgent,
  })
  const official = registryUrl === null ? null : createOfficialRegistry({ url: registryUrl, http })
  const glama = glamaUrl === null ? null : createGlama({ url: glamaUrl, http })
  const clients = [official, glama].filter((client) => client !== null)
  await queries.enterRegistrySources(db, clients)

  const ending = new AbortController()
  const busy = new Map<RegistryClient, Promise<void>>()
  const look = (): void => {
    for (const client of clients) {
      if (busy.has(client)) continue
      const work = mirror(client, options, ending.signal)
        .catch((error: unknown) => {
          if (!ending.signal.aborted)
            logger.error({ err: error }, `the registry ${client.url} could not be copied`)
        })
        .finally(() => busy.delete(client))
      busy.set(client, work)
    }
  }
  const timer = setInterval(look, LOOK_MS)
  look()
  return {
    official,
    poke: look,
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      ending.abort()
      await Promise.all(busy.values())
      http[Symbol.dispose]()
    },
  }
}

/** Copies a registry if it is due and no other node is at it. */
async function mirror(
  client: RegistryClient,
  { db, nodeId, config, logger }: RegistriesOptions,
  signal: AbortSignal,
): Promise<void> {
  const { name, url, tellsChanges } = client
  const claimed = await queries.claimCrawl(db, name, { url, nodeId, tellsChanges, fullEverySeconds: WEEK_S })
  if (claimed === null) return
  const nextInSeconds = Math.max(config.registrySyncMs / 1000, tellsChanges ? 0 : DAY_S)
  const result = await crawl(
    client,
    claimed,
    {
      savePage: (page) => queries.saveRegistryPage(db, claimed, page),
      finish: () => queries.finishCrawl(db, claimed, nextInSeconds),
      fail: (message, { restart }) => queries.failCrawl(db, claimed, message, { restart, retryInSeconds }),
    },
    signal,
  )
  const { outcome, failure, ...count } = result
  if (outcome === 'failed')
    logger.warn({ registry: url, ...count, failure }, 'a registry could not be copied')
  else logger.info({ registry: url, ...count, outcome }, 'a registry was copied')
}

/** A random part of it, so that replicas and installations that failed together do not come back together. */
function retryInSeconds(failures: number): number {
  const longest = Math.min(LONGEST_RETRY_S, RETRY_S * 2 ** Math.min(failures - 1, 12))
  return longest * (0.5 + Math.random() / 2)
}
