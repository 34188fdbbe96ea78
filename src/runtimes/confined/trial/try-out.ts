import {
  anySignal,
  CatwalkError,
  nextBoot,
  trialSpec,
  type Boot,
  type RunSettings,
  type Trial,
  type TrialInput,
} from '../../../domain/index.ts'
import type { Preparation } from '../prepare.ts'
import { INSIDE } from '../command.ts'
import { bootOnce, type BootParts } from './boot-once.ts'
import { conclude, notInstalled, resultOf } from './conclude.ts'
import { limitOutput, type Observed } from './observe.ts'

export interface TrialParts extends BootParts {
  readonly preparation: Preparation
}

const MAX_BOOTS = 12
const SHOWN_LINES = 500

/**
 * Installs a server and boots it until it is known what it offers and what it demands, within the input's limit.
 * @throws CatwalkError `sandbox_unavailable`
 */
export async function tryOut(parts: TrialParts, input: TrialInput, signal: AbortSignal): Promise<Trial> {
  const settings: RunSettings = {
    // With the way out that every server has, and nobody at its other end.
    network: 'internet',
    allowScripts: input.allowScripts,
    memoryMiB: input.memoryMiB,
  }
  const { workspaceId } = input
  const output = limitOutput(input.output, SHOWN_LINES)
  const { spec } = trialSpec(input, { placeholders: new Map() })
  const installed = await install(parts.preparation, { ...input, output }, settings, signal)
  if (installed instanceof CatwalkError) {
    return { proof: notInstalled(installed), manifest: null, lockFile: null }
  }
  const { lockFile } = installed
  const { letGo, ...startable } = await parts.preparation.programOf({ workspaceId, spec, settings }, lockFile)
  const hosts = new Set<string>()
  const limit = anySignal([signal, AbortSignal.timeout(input.limitMs)])
  const observed: Observed[] = []
  try {
    while (observed.length < MAX_BOOTS && !limit.aborted && observed.at(-1)?.flooded !== true) {
      const boot = nextBoot(input, observed.map(resultOf), INSIDE.home)
      if (boot === null) break
      output('system', `Starting it for trial, ${given(boot)}`)
      observed.push(await bootOnce(parts, { input, boot, settings, startable, hosts, output }, limit))
      signal.throwIfAborted()
    }
  } finally {
    letGo()
  }
  return { ...conclude(observed, hosts), lockFile }
}

function given({ placeholders }: Boot): string {
  return placeholders.size === 0 ? 'bare' : `with placeholders for ${placeholders.size} values`
}

async function install(
  preparation: Preparation,
  input: TrialInput,
  settings: RunSettings,
  signal: AbortSignal,
): Promise<{ readonly lockFile: string } | CatwalkError> {
  const { workspaceId, output, lockFile } = input
  const { spec } = trialSpec(input, { placeholders: new Map() })
  try {
    return await preparation.prepare(
      { workspaceId, deploymentId: 'trial', spec, settings, lockFile, output },
      signal,
    )
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof CatwalkError) || error.code === 'sandbox_unavailable') throw error
    return error
  }
}
