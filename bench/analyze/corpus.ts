import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const Variable = z.object({
  name: z.string(),
  required: z.boolean().default(false),
  secret: z.boolean().default(false),
  oneOf: z.string().optional(),
  httpOnly: z.boolean().optional(),
  effectivelyRequired: z.boolean().optional(),
  ambiguous: z.boolean().optional(),
})

const Argument = z.object({
  name: z.string(),
  positional: z.boolean().optional(),
  required: z.boolean().default(false),
  secret: z.boolean().optional(),
  ambiguous: z.boolean().optional(),
  effectivelyRequired: z.boolean().optional(),
})

/** What is known of one server of the corpus; fields that the score does not use are left out. */
const Entry = z.object({
  name: z.string(),
  version: z.string(),
  isMcpServer: z.boolean(),
  repository: z.string().nullable(),
  bin: z.union([z.string(), z.record(z.string(), z.string())]).nullish(),
  npxBin: z.string().nullish(),
  groundTruth: z.string(),
  args: z.array(Argument),
  env: z.array(Variable),
  requiredOneOf: z.array(z.array(z.array(z.string()))).default([]),
  documentedButUnread: z.array(z.string()).default([]),
  envIgnorable: z.array(z.string()).default([]),
  envMoreNotListed: z.number().nullish(),
  dummy: z
    .object({ args: z.array(z.string()).optional(), env: z.record(z.string(), z.string()).optional() })
    .nullish(),
})

export type CorpusEntry = z.infer<typeof Entry>

/** The published packages of a corpus. */
export function readCorpus(folder: string): readonly CorpusEntry[] {
  return z.array(Entry).parse(JSON.parse(readFileSync(join(folder, 'servers.json'), 'utf8')))
}
