import { runtimeContract } from '../contract/runtime.ts'
import { startLocalRuntime } from './local-runtime.ts'

runtimeContract('local processes', () => startLocalRuntime())
