import { z } from 'zod'

/** How clients may call a tool (2026-07-28, tools, tool names). */
const toolName = z.string().regex(/^[A-Za-z0-9_.-]{1,128}$/, 'Up to 128 letters, digits, _, - and .')

/** Hints of the specification (2026-07-28, tools, annotations). */
const hints = z.strictObject({
  readOnlyHint: z.boolean().optional(),
  destructiveHint: z.boolean().optional(),
  idempotentHint: z.boolean().optional(),
  openWorldHint: z.boolean().optional(),
})

const pinning = z
  .enum(['off', 'changed', 'strict'])
  .describe(
    'Which tools are stopped when a running server changes them without a new release. changed: those with another definition; strict: those as well that are new',
  )

const definition = z.record(z.string(), z.unknown())

export const Tools = z
  .object({
    pinning,
    items: z.array(
      z.object({
        name: z.string().describe("The server's own name"),
        shownAs: z.string().nullable().describe('What clients call it; null when it is not listed'),
        title: z.string().nullable(),
        description: z.string().nullable(),
        isEnabled: z.boolean(),
        setting: z
          .object({
            name: z.string().nullable(),
            title: z.string().nullable(),
            description: z.string().nullable(),
            annotations: z.record(z.string(), z.unknown()),
          })
          .describe('What its owner has set in place of what the server says'),
        change: z
          .object({
            kind: z.enum(['changed', 'new']),
            hash: z.string().describe('SHA-256 of the definition; a decision names it'),
            isBlocked: z.boolean(),
            isKept: z.boolean().describe('Whether somebody decided that it stays stopped'),
            seenAt: z.iso.datetime(),
            members: z.array(z.string()).describe('Members of the definition that differ'),
            from: definition.nullable().describe('As it was approved; null for a new tool'),
            to: definition,
          })
          .nullable()
          .describe('Set when the running server lists it otherwise than it was approved'),
      }),
    ),
  })
  .meta({ id: 'Tools' })

export const ChangeTool = z
  .strictObject({
    tool: z.string().min(1).max(1000).describe("The server's own name"),
    isEnabled: z.boolean().optional(),
    name: toolName.nullable().optional(),
    title: z.string().min(1).max(200).nullable().optional(),
    description: z.string().min(1).max(20_000).nullable().optional(),
    annotations: hints.nullable().optional().describe('Null takes all of them back'),
  })
  .meta({ id: 'ChangeTool' })

export const DecideAboutTool = z
  .strictObject({
    tool: z.string().min(1).max(1000).describe("The server's own name"),
    decision: z.enum(['accept', 'keep_blocked']),
    hash: z.string().regex(/^[0-9a-f]{64}$/),
  })
  .meta({ id: 'DecideAboutTool' })

export const SetToolPinning = z.strictObject({ pinning }).meta({ id: 'SetToolPinning' })
