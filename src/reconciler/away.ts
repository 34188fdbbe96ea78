import type { RuntimeKind } from '../domain/index.ts'
import type { Work } from './record.ts'

/** For how long what runs servers of this kind has not answered, in milliseconds; null when it answers, or need not. */
export async function runtimeAwayMs(
  { deps, signal }: Pick<Work, 'deps' | 'signal'>,
  runtime: RuntimeKind,
): Promise<number | null> {
  return (await deps.runtimes.get(runtime)?.awayMs?.(signal)) ?? null
}
