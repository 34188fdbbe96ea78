export { createLocalRuntime, type LocalRuntimeOptions } from './runtime.ts'
export type { PythonIndex } from './install/python/pip-command.ts'
export type { InstallConfiguration } from './install/npm/npm-command.ts'
