export { loadNpmConfiguration, type NpmConfiguration } from './npm-configuration.ts'
export { createNpmIndex, type NpmIndexOptions } from './npm-index.ts'
