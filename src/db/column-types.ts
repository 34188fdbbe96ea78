import type { ColumnType } from 'kysely'

/**
 * A `jsonb` column: read as a parsed value, written as JSON text. Text, because the driver would write a JavaScript
 * array as a PostgreSQL array and a string without its quotes.
 */
export type Jsonb<T> = ColumnType<T, string, string>

/** A column that the database fills unless a value is given. */
export type Defaulted<T> =
  T extends ColumnType<infer S, infer I, infer U>
    ? ColumnType<S, I | undefined, U>
    : ColumnType<T, T | undefined, T>

/** `timestamptz`. Times that are compared with each other come from the database (`now()`), not from a Date. */
export type Timestamp = ColumnType<Date, Date, Date>
