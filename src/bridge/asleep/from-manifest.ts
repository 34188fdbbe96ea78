import type { JsonObject, Manifest } from '../../domain/index.ts'
import {
  isLegacyVersion,
  LATEST_LEGACY,
  META_KEYS,
  MODERN_VERSIONS,
  negotiate,
  type LegacyVersion,
} from '../../protocol/index.ts'
import { serverAt, withoutTasksExtension } from '../translation/capabilities.ts'

/** The lists of a manifest, by the request that asks for them, with the capability that they need. */
const LISTS = {
  'tools/list': { capability: 'tools', member: 'tools' },
  'resources/list': { capability: 'resources', member: 'resources' },
  'resources/templates/list': { capability: 'resources', member: 'resourceTemplates' },
  'prompts/list': { capability: 'prompts', member: 'prompts' },
} as const

/** Whether a manifest holds the answer to a request. */
export function isListed(method: string): method is keyof typeof LISTS {
  return Object.hasOwn(LISTS, method)
}

/** The whole list, as one page; null when the server does not have such things. */
export function listResult(manifest: Manifest, method: keyof typeof LISTS): JsonObject | null {
  const { capability, member } = LISTS[method]
  return capability in manifest.capabilities ? { [member]: manifest[member] } : null
}

/** The result of `initialize`. */
export function initializeResult(
  manifest: Manifest,
  asked: string,
): { version: LegacyVersion; result: JsonObject } {
  const { protocolVersion, instructions, serverInfo } = manifest
  const spoken = isLegacyVersion(protocolVersion) ? protocolVersion : LATEST_LEGACY
  const version = negotiate(asked, spoken)
  const result = {
    protocolVersion: version,
    // Of a server of both eras either may have been recorded.
    capabilities: withoutTasksExtension(serverAt(version, manifest.capabilities)),
    serverInfo,
    ...(instructions === null ? {} : { instructions }),
  }
  return { version, result }
}

/** The result of `server/discover` (2026-07-28). */
export function discoverResult({ era, capabilities, instructions, serverInfo }: Manifest): JsonObject {
  const { tasks: _, ...offered } = capabilities
  return {
    resultType: 'complete',
    supportedVersions: MODERN_VERSIONS,
    capabilities: era === 'legacy' ? withoutTasksExtension(offered) : offered,
    ...(instructions === null ? {} : { instructions }),
    ...freshness(serverInfo),
  }
}

/** A result as the modern era has it. Nobody keeps it: the running server may say something else. */
export function modernResult(result: JsonObject, { serverInfo }: Manifest): JsonObject {
  return { resultType: 'complete', ...result, ...freshness(serverInfo) }
}

function freshness(serverInfo: JsonObject): JsonObject {
  return { ttlMs: 0, cacheScope: 'private', _meta: { [META_KEYS.server]: serverInfo } }
}

const FLAGS = {
  toolsListChanged: 'tools',
  promptsListChanged: 'prompts',
  resourcesListChanged: 'resources',
} as const

/** Which of the lists that a client wants to hear of (2026-07-28, subscriptions) the server announces changes of. */
export function announced({ capabilities }: Manifest, wanted: JsonObject): JsonObject {
  const flags = Object.entries(FLAGS).filter(([flag, list]) => {
    const capability = capabilities[list]
    return wanted[flag] === true && isObject(capability) && capability['listChanged'] === true
  })
  return Object.fromEntries(flags.map(([flag]) => [flag, true]))
}

/** The notifications that say so of each. */
export function changesOf(flags: JsonObject): readonly string[] {
  return Object.entries(FLAGS).flatMap(([flag, list]) =>
    flags[flag] === true ? [`notifications/${list}/list_changed`] : [],
  )
}

function isObject(value: JsonObject[string] | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
