import type { Runtime } from '../../domain/index.ts'
import { createConfinedRuntime, type ConfinedRuntimeOptions } from '../confined/index.ts'
import { createConfinement } from './sandbox/confinement.ts'
import { findControlGroups } from './sandbox/control-groups.ts'
import { toolchainFiles } from './sandbox/toolchain-files.ts'

export interface LocalRuntimeOptions extends ConfinedRuntimeOptions {
  /** Runs servers without a sandbox where there is none: for one person on one machine only. */
  readonly allowUnsandboxed: boolean
}

/** Runs servers as sandboxed processes of this machine. Nothing happens until it is first used. */
export function createLocalRuntime(options: LocalRuntimeOptions): Runtime {
  return createConfinedRuntime(options, {
    kind: 'local',
    folder: '',
    files: toolchainFiles,
    open: async ({ dataDir, toolchain, identities }) => {
      const controlGroups = await findControlGroups(dataDir)
      await controlGroups.sweep()
      return createConfinement({
        toolchain,
        controlGroups,
        allowUnsandboxed: options.allowUnsandboxed,
        trialIdentity: identities.installer,
      })
    },
  })
}
