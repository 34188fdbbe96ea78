export { createSources, type SourcesOptions } from './create-sources.ts'
