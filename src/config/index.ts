export {
  dataDirFrom,
  isLoopback,
  loadConfig,
  publicUrlOn,
  type Config,
  type ConfigProblem,
  type ConfigSource,
} from './load.ts'
export { settings, type Setting } from './settings.ts'
