export { countLocked } from './count-locked.ts'
export {
  IMAGE_VARIABLES,
  INSTANCE_PORT,
  instanceDocument,
  preparationDocument,
  type CommandRun,
  type InstanceDocument,
  type PackageRun,
} from './document.ts'
export { IMAGE_PACKAGES, mustBeForImage } from './image-packages.ts'
export {
  createJournal,
  PULSE_MS,
  type Journal,
  type JournalEntry,
  type Pulse,
  type Recollection,
} from './journal.ts'
export {
  NO_SESSIONS,
  openInstance,
  whenStarted,
  type FarInstance,
  type FarPrepared,
  type OpenInstanceOptions,
} from './open-instance.ts'
