export {
  IMAGE_VARIABLES,
  INSTANCE_PORT,
  instanceDocument,
  type CommandRun,
  type InstanceDocument,
  type PackageRun,
} from './document.ts'
export {
  createJournal,
  PULSE_MS,
  type Journal,
  type JournalEntry,
  type Pulse,
  type Recollection,
} from './journal.ts'
export {
  openInstance,
  type FarInstance,
  type FarPrepared,
  type OpenInstanceOptions,
} from './open-instance.ts'
