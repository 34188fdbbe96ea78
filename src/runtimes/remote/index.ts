export { connectAtAddress } from './at-address.ts'
export { connectOverSocket } from './over-socket.ts'
export { createRemoteRuntime, type RemoteRuntimeOptions } from './runtime.ts'
