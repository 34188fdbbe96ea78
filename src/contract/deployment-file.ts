import { z } from 'zod'
import { ChangeTool, DecideAboutTool, SetToolPinning } from './tool-schemas.ts'
import { CreateDeployment, ChangeEndpointSettings, CreatedDeployment } from './schemas.ts'

/** Of the document; counts up when an older Catwalk could not read it any more. */
export const DEPLOYMENT_FILE_VERSION = 2

const text = z.string().max(4096)
const words = z.array(text).max(64)
const name = z.string().min(1).max(256)

const gitProgram = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('node-executable'), name }),
  z.strictObject({ kind: z.literal('node-file'), path: text }),
  z.strictObject({
    kind: z.literal('python'),
    program: z.strictObject({ kind: z.enum(['script', 'module']), name }),
  }),
  z.strictObject({ kind: z.literal('python-file'), path: text }),
])

const launchPackage = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('npm'),
    name,
    version: name,
    integrity: z.string().max(1024),
    executable: name,
  }),
  z.strictObject({
    kind: z.literal('pypi'),
    name,
    version: name,
    hashes: z.array(z.string().regex(/^[0-9a-f]{64}$/)).max(1000),
    program: z.strictObject({ kind: z.enum(['script', 'module']), name }),
  }),
  z.strictObject({
    kind: z.literal('git'),
    repository: text,
    commit: z.string().regex(/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/),
    path: text,
    program: gitProgram,
  }),
  z.strictObject({
    kind: z.literal('mcpb'),
    url: text,
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    name,
    version: name,
  }),
  z.strictObject({
    kind: z.literal('oci'),
    registry: name,
    repository: name,
    digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
    program: words,
  }),
  z.strictObject({ kind: z.literal('remote'), url: text }),
])

const sealed = z
  .strictObject({
    kdf: z.strictObject({
      name: z.literal('scrypt'),
      // Memory is 128 · N · r bytes: nobody who sends a file decides how much of it is used here.
      n: z.union([z.literal(16_384), z.literal(32_768), z.literal(65_536)]),
      r: z.literal(8),
      p: z.number().int().min(1).max(4),
      salt: z.base64().max(64),
    }),
    cipher: z.literal('aes-256-gcm'),
    nonce: z.base64().max(32),
    data: z.base64().max(3_500_000).describe('Ciphertext and authentication tag'),
  })
  .describe(
    'Values by name as JSON, encrypted under the passphrase; the rest of the file is authenticated with them',
  )

const tools = z
  .strictObject({
    pinning: SetToolPinning.shape.pinning,
    items: z
      .array(
        z.strictObject({
          tool: ChangeTool.shape.tool,
          disabled: z.literal(true).optional(),
          name: ChangeTool.shape.name.unwrap().unwrap().optional(),
          title: ChangeTool.shape.title.unwrap().unwrap().optional(),
          description: ChangeTool.shape.description.unwrap().unwrap().optional(),
          annotations: ChangeTool.shape.annotations.unwrap().unwrap().optional(),
          accepted: z
            .array(DecideAboutTool.shape.hash)
            .max(100)
            .optional()
            .describe('Definitions that somebody accepted, besides those that it offers at first'),
        }),
      )
      .max(2000),
  })
  .describe("What is set for tools, by the server's own names")

/** A deployment as a file, to be made again elsewhere. */
export const DeploymentFile = z
  .strictObject({
    format: z.literal('catwalk-deployment'),
    version: z.union([z.literal(1), z.literal(DEPLOYMENT_FILE_VERSION)]),
    exportedAt: z.iso.datetime(),
    name: z.string().trim().min(1).max(80),
    slug: CreateDeployment.shape.slug.unwrap(),
    source: z.string().min(1).max(65_536).describe('Where the deployment came from, pinned'),
    launch: z.strictObject({
      package: launchPackage,
      args: words.describe('Right after the executable'),
      port: z
        .strictObject({
          port: z.number().int().min(1).max(65_535),
          path: z.string().startsWith('/').max(500),
        })
        .optional()
        .describe('Where an image serves HTTP itself'),
      headers: z
        .array(z.strictObject({ name, value: text }))
        .max(30)
        .optional()
        .describe('What a remote server is sent; {NAME} stands for one of the values'),
      userArgs: z
        .array(z.union([text, z.strictObject({ prefix: text, value: name })]))
        .max(64)
        .describe('What the owner adds; an object ends in one of the values'),
      values: z
        .array(
          z.strictObject({
            name,
            description: z.string().max(4096).nullable(),
            secret: z.boolean(),
            default: z.string().max(4096).nullable(),
            personal: z.literal(true).optional().describe('Each member brings their own'),
            file: z
              .string()
              .regex(/^[\w-]{1,200}(?:\.[\w-]{1,20}){0,3}$/)
              .optional(),
          }),
        )
        .max(200)
        .describe('What it is given: environment variables, and `arg:…` for values of arguments'),
    }),
    run: z.strictObject({
      runtime: CreateDeployment.shape.runtime.unwrap(),
      network: CreateDeployment.shape.network.unwrap(),
      allowScripts: z.boolean(),
      memoryMiB: CreateDeployment.shape.memoryMiB.unwrap(),
    }),
    settings: ChangeEndpointSettings.required(),
    tools: tools.optional().describe('Since version 2'),
    secrets: sealed.nullable(),
  })
  .meta({ id: 'DeploymentFile' })

const passphrase = z.string().min(10).max(1024)

export const ExportWithSecrets = z
  .strictObject({ passphrase: passphrase.describe('Nobody can open the values without it') })
  .meta({ id: 'ExportWithSecrets' })

export const ImportDeployment = z
  .strictObject({
    file: z.record(z.string(), z.unknown()).describe('The document that an export gave'),
    passphrase: passphrase.optional().describe('Opens the values in the file'),
    values: z
      .record(z.string().max(256), z.string().max(65_536))
      .default({})
      .describe('By the names in the file; they win over those in it'),
    name: CreateDeployment.shape.name,
    slug: CreateDeployment.shape.slug,
    confirmWarnings: CreateDeployment.shape.confirmWarnings,
  })
  .meta({ id: 'ImportDeployment' })

export const ImportedDeployment = CreatedDeployment.extend({
  notes: z.array(z.string()).describe('What is not as it was where the file came from'),
}).meta({ id: 'ImportedDeployment' })
