import { runtimeContract } from '../contract/runtime.ts'
import { startFlyRuntime } from './fly-runtime.ts'

runtimeContract('Fly Machines in the private network', () => startFlyRuntime())
