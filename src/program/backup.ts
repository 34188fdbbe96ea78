import { createReadStream, createWriteStream } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { loadConfig, type ConfigSource } from '../config/index.ts'
import { backupDatabase, restoreDatabase, type BackupOptions, type BackupReport } from '../db/index.ts'
import { CatwalkError, quoted } from '../domain/index.ts'
import { createPackageFetcher, loadNpmConfiguration } from '../packages/index.ts'
import { createLogger } from '../telemetry/index.ts'

/**
 * Writes a backup to a file of mode 0600, which appears under its name when it is whole.
 * @throws CatwalkError `invalid_request` when the file cannot be written, and as `backupDatabase`
 */
export async function backup(source: ConfigSource, file: string, signal: AbortSignal): Promise<BackupReport> {
  const unfinished = `${file}.unfinished`
  try {
    await (await open(unfinished, 'w', 0o600)).close()
    const output = createWriteStream(unfinished, { flush: true })
    const report = await backupDatabase(optionsOf(source), output, signal)
    await rename(unfinished, file)
    return report
  } catch (error) {
    await rm(unfinished, { force: true })
    throw isOfFile(error) ? fileProblem(file, 'written', error) : error
  }
}

/**
 * Restores a backup into a database that was never used.
 * @throws CatwalkError `invalid_request` when the file cannot be read, and as `restoreDatabase`
 */
export async function restore(
  source: ConfigSource,
  file: string,
  signal: AbortSignal,
): Promise<BackupReport> {
  const handle = await open(file).catch((error: unknown) => {
    throw fileProblem(file, 'read', error)
  })
  const input = createReadStream('', { fd: handle })
  try {
    return await restoreDatabase(optionsOf(source), input, signal)
  } finally {
    input.destroy()
  }
}

function optionsOf(source: ConfigSource): BackupOptions {
  const { databaseUrl, dataDir, logFormat } = loadConfig(source)
  return {
    url: databaseUrl,
    dataDir,
    logger: createLogger({ level: 'warn', format: logFormat }),
    fetchPackage: createPackageFetcher(() => loadNpmConfiguration(source.env)),
  }
}

function isOfFile(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && 'path' in error
}

function fileProblem(file: string, what: string, cause: unknown): CatwalkError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new CatwalkError('invalid_request', `The file ${quoted(file)} cannot be ${what}: ${reason}`, {
    help: 'Choose another path, or correct its permissions.',
    details: { field: 'file' },
    cause,
  })
}
