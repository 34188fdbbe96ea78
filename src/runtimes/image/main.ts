import { CatwalkError } from '../../domain/index.ts'
import { runInstance } from './run-instance.ts'

try {
  // oxlint-disable-next-line node/no-process-env -- A program of its own, with settings of its own.
  await runInstance(process.env)
} catch (error) {
  if (!(error instanceof CatwalkError)) throw error
  process.stderr.write(`${error.message}\n${error.help}\n`)
  process.exitCode = 1
}
