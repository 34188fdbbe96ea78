export { loadNpmConfiguration, type NpmConfiguration } from './npm-configuration.ts'
export { loadPythonIndex, type PythonIndexConfiguration } from './python-index.ts'
export { createNpmIndex, type NpmIndexOptions } from './npm-index.ts'
