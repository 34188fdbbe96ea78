import { z } from 'zod'

/** Text of a stranger as one line of at most so many characters: no control or format characters, no half characters. */
export function line(maxCharacters: number): z.ZodType<string> {
  return z
    .string()
    .transform((text) => cut(text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' '), maxCharacters))
}

function cut(text: string, maxCharacters: number): string {
  const trimmed = text.toWellFormed().trim()
  return trimmed.length <= maxCharacters ? trimmed : trimmed.slice(0, maxCharacters).toWellFormed()
}

/** A word that names something: refused, not mended, when it holds what a name cannot. */
export function word(maxCharacters: number): z.ZodType<string> {
  return z
    .string()
    .min(1)
    .max(maxCharacters)
    .refine((text) => text.isWellFormed() && !/[\p{Cc}\p{Cf}\p{Z}]/u.test(text))
}

/** An https address without a password. */
export const webAddress: z.ZodType<string> = word(2_000).refine((text) => {
  const url = URL.parse(text)
  return url !== null && url.protocol === 'https:' && url.username === '' && url.password === ''
})

/** Null for what is absent or wrong. */
export function orNull<T>(schema: z.ZodType<T>): z.ZodType<T | null> {
  return schema.nullable().catch(null).default(null)
}

/** As many of the items as are right, up to a number; an empty list when it is none. */
export function listOf<T>(schema: z.ZodType<T>, most: number): z.ZodType<readonly T[]> {
  return z
    .array(z.unknown())
    .catch([])
    .default([])
    .transform((items) =>
      items.slice(0, most).flatMap((item) => {
        const { data, success } = schema.safeParse(item)
        return success ? [data] : []
      }),
    )
}

export const moment: z.ZodType<Date | null> = orNull(
  z
    .string()
    .max(64)
    .transform((text) => new Date(text))
    .refine(
      (date) => !Number.isNaN(date.getTime()) && date.getFullYear() >= 2000 && date.getFullYear() < 2200,
    ),
)
