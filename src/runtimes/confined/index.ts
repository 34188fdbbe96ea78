export { createConfinedRuntime, type ConfinedRuntimeOptions } from './runtime.ts'
export { INSIDE, type ConfinedCommand, type Limits, type Mount } from './command.ts'
export type { Confinement, Images } from './confinement.ts'
export type { ConnectHttp } from './over-http.ts'
export { PROXY_DEFAULTS, serveProxy, type Proxy } from './egress/proxy.ts'
export { createResolver } from './egress/resolver.ts'
export type { Identity } from './identities.ts'
export { decodeExit, type ConfinedProcess, type ProcessEnd } from './process.ts'
export { nodeHeadersOf, type Toolchain } from './toolchain.ts'
export type { PythonIndex } from './install/python/pip-command.ts'
export type { InstallConfiguration } from './install/npm/npm-command.ts'
export {
  childExit,
  childrenOf,
  cpuMsOf,
  signalProcess,
  untilGone,
  untilGroupGone,
  type ChildEnd,
} from './processes.ts'
export { runUnsandboxed } from './unsandboxed.ts'
export { createDirectories } from './directories.ts'
export { withoutProxy } from './environment.ts'
export { createNpmInstaller } from './install/npm/npm-installer.ts'
export { createPypiInstaller } from './install/python/pypi-installer.ts'
export type { PackageInstaller } from './install/package-installer.ts'
export { createRunStep } from './install/run-step.ts'
export { createStore } from './install/store.ts'
export { createInstances } from './instances.ts'
export { createLaunch } from './launch.ts'
export { overHttp } from './over-http.ts'
export { createPreparation, type Preparation } from './prepare.ts'
export { serverCommand } from './server-command.ts'
