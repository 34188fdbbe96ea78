export { readLocalInstallation, type LocalInstallation } from './local-installation.ts'
export type { CliHost } from './output.ts'
export type { BridgeCommand, Programs, ServeFlag } from './programs.ts'
export { runCli } from './run.ts'
