import type { Kysely } from 'kysely'
import type { DB } from '../schema.gen.ts'

/** A connection or a transaction; queries run on either. */
export type Handle = Kysely<DB>
