import { z } from 'zod'
import { parseSource, type RegistryChange, type RegistryEntry } from '../domain/index.ts'
import { line, listOf, moment, orNull, webAddress, word } from './texts.ts'

const VARIABLE_NAME = /^[A-Za-z_]\w{0,127}$/
const OFFICIAL = 'io.modelcontextprotocol.registry/official'

// An input of server.json, in the fields that somebody reads.
const input = {
  description: line(1_000).optional().catch(undefined),
  isRequired: z.boolean().optional().catch(undefined),
  isSecret: z.boolean().optional().catch(undefined),
  format: z.enum(['string', 'number', 'boolean', 'filepath']).optional().catch(undefined),
  value: line(2_000).optional().catch(undefined),
  default: line(2_000).optional().catch(undefined),
  placeholder: line(500).optional().catch(undefined),
  choices: z.array(line(200)).max(100).optional().catch(undefined),
}
const variables = z
  .record(z.string().regex(VARIABLE_NAME), z.object(input))
  .refine((record) => Object.keys(record).length <= 20)
  .optional()
  .catch(undefined)
const keyValue = (name: z.ZodType<string>) => z.object({ name, ...input, variables })
const argument = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('positional'),
    valueHint: line(200).optional().catch(undefined),
    isRepeated: z.boolean().optional().catch(undefined),
    ...input,
    variables,
  }),
  z.object({
    type: z.literal('named'),
    name: word(200),
    isRepeated: z.boolean().optional().catch(undefined),
    ...input,
    variables,
  }),
])
const headers = listOf(keyValue(z.string().regex(/^[\w-]{1,100}$/)), 30)

const registryPackage = z.object({
  registryType: word(40),
  registryBaseUrl: webAddress.optional().catch(undefined),
  identifier: word(500),
  version: orNull(word(128)),
  fileSha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/i)
    .optional()
    .catch(undefined),
  runtimeHint: word(40).optional().catch(undefined),
  transport: z
    .object({ type: word(40), url: word(2_000).optional().catch(undefined) })
    .catch({ type: 'stdio' })
    .default({ type: 'stdio' }),
  runtimeArguments: listOf(argument, 50),
  packageArguments: listOf(argument, 50),
  environmentVariables: listOf(keyValue(z.string().regex(VARIABLE_NAME)), 100),
})
const remote = z.object({ type: word(40), url: webAddress, headers })

const serverSchema = z.object({
  name: word(200).refine(isRegistryName),
  title: orNull(line(200)),
  description: line(1_000).catch('').default(''),
  version: orNull(word(255)),
  websiteUrl: orNull(webAddress),
  repository: orNull(z.object({ url: webAddress, subfolder: line(300).catch('').default('') })),
  packages: listOf(registryPackage, 20),
  remotes: listOf(remote, 20),
})
const listed = z.object({
  server: serverSchema,
  _meta: z
    .object({
      [OFFICIAL]: z.object({
        status: z.enum(['active', 'deprecated', 'deleted']).catch('active').default('active'),
        statusMessage: orNull(line(500)),
        publishedAt: moment,
        updatedAt: moment,
      }),
    })
    .optional()
    .catch(undefined),
})

/**
 * One item of `GET /v0.1/servers` (ServerResponse in the official registry's OpenAPI document). Null when it cannot be
 * read; parts of it that are wrong are left out.
 */
export function readServer(value: unknown): RegistryChange | null {
  const { data, success } = listed.safeParse(value)
  if (!success) return null
  const { server, _meta } = data
  const official = _meta?.[OFFICIAL]
  if (official?.status === 'deleted') return { kind: 'gone', name: server.name }
  const entry: RegistryEntry = {
    name: server.name,
    title: server.title === '' ? null : server.title,
    description: server.description,
    version: server.version,
    status: official?.status ?? 'active',
    statusMessage: official?.statusMessage ?? null,
    repository: server.repository?.url ?? null,
    folder: folderOf(server.repository?.subfolder ?? ''),
    website: server.websiteUrl,
    license: null,
    publishedAt: official?.publishedAt ?? null,
    updatedAt: official?.updatedAt ?? null,
    // Without what is undefined it is JSON.
    document: JSON.parse(
      JSON.stringify({ packages: server.packages, remotes: server.remotes }),
    ) as RegistryEntry['document'],
  }
  return { kind: 'present', entry }
}

function isRegistryName(name: string): boolean {
  try {
    return parseSource(`registry:${name}`).kind === 'registry'
  } catch {
    return false
  }
}

/** Without slashes at the ends; the root when it leads out. */
export function folderOf(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  return parts.includes('..') ? '' : parts.join('/')
}
