export { createRemoteRuntime, type RemoteRuntimeOptions } from './runtime.ts'
