export { createLocalRuntime, type LocalRuntimeOptions } from './runtime.ts'
