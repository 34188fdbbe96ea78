import type { z } from 'zod'

/** A validator for react-hook-form from a schema of the contract: the first complaint in our own words. */
export function fits(schema: z.ZodType, complaint: string): (value: unknown) => true | string {
  return (value) => schema.safeParse(value).success || complaint
}
