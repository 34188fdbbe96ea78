export { readNodeId } from './node-id.ts'
export { announceRun } from './run-file.ts'
