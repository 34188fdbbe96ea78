import { cleanLine } from '../clean-text.ts'
import type { CommandContext, CommonOptions } from '../context.ts'
import type { BackupSummary, Programs } from '../programs.ts'

/** Writes a backup to a file. */
export async function backup(
  { output, signal }: CommandContext,
  programs: Programs,
  file: string,
  options: CommonOptions,
): Promise<void> {
  const summary = await programs.backup(file, flagsOf(options), signal)
  output.note('The master key is not in it: keep it elsewhere, with bin/catwalk keys export --recovery.')
  output.note('What servers keep in files of their own is not in it either.')
  output.result({ file, ...summary }, () => `${count(summary)} written to ${cleanLine(file)}.`)
}

/** Fills an unused database from a backup. */
export async function restore(
  { output, signal }: CommandContext,
  programs: Programs,
  file: string,
  options: CommonOptions,
): Promise<void> {
  const summary = await programs.restore(file, flagsOf(options), signal)
  output.note('Start Catwalk with the master key that the backup was made under.')
  output.result({ file, ...summary }, () => `${count(summary)} restored, as of ${summary.createdAt}.`)
}

function flagsOf({ dataDir }: CommonOptions): Readonly<Record<string, string>> {
  return dataDir === undefined ? {} : { dataDir }
}

function count({ rows, tables }: BackupSummary): string {
  return `${rows} rows of ${Object.keys(tables).length} tables`
}
