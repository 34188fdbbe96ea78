export { openDatabase, type Database, type DatabaseOptions } from './database.ts'
export * as queries from './queries/index.ts'
export type { Handle } from './queries/index.ts'
export type { DB } from './schema.gen.ts'
