export { createLocalRuntime, type LocalRuntimeOptions } from './runtime.ts'
export type { InstallConfiguration } from './install/npm/npm-command.ts'
