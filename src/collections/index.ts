export { startCollection, type CollectionOptions, type CollectionProcess } from './process.ts'
export type { Forward } from './inner-client.ts'
