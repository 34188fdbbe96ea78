export { openDatabase, type Database, type DatabaseOptions } from './database.ts'
// Names each query that the room offers.
export * from './queries/index.ts'
export type { DB } from './schema.gen.ts'
