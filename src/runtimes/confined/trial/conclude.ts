import {
  CatwalkError,
  missesNativeModule,
  neededPlaceholders,
  placeholderNames,
  type BootProof,
  type BootResult,
  type Trial,
} from '../../../domain/index.ts'
import type { Observed } from './observe.ts'

const NOTHING: BootProof = {
  booted: false,
  era: null,
  protocolVersion: null,
  initializeMs: null,
  peakMemoryMiB: null,
  neededPlaceholders: [],
  placeholders: [],
  boots: 0,
  hosts: [],
  needsScripts: false,
  strayLines: 0,
  failure: null,
}

export function resultOf({ boot, manifest, lines }: Observed): BootResult {
  return { ...boot, tools: manifest?.tools.length ?? null, lines }
}

/** The proof when there was nothing to boot. */
export function notInstalled({ code, message }: CatwalkError): BootProof {
  return { ...NOTHING, failure: { code, message, lastLines: [] } }
}

/** What all boots together have shown. */
export function conclude(
  observed: readonly Observed[],
  hosts: ReadonlySet<string>,
): Pick<Trial, 'proof' | 'manifest'> {
  const peaks = observed.flatMap(({ peakMemoryMiB }) => peakMemoryMiB ?? [])
  const common = {
    ...NOTHING,
    boots: observed.length,
    hosts: [...hosts].toSorted(),
    peakMemoryMiB: peaks.length === 0 ? null : Math.max(...peaks),
  }
  const chosen = best(observed)
  if (chosen === undefined) {
    const needsScripts = observed.some(({ lines }) => missesNativeModule(lines))
    const last = observed.at(-1)
    const proof = {
      ...common,
      needsScripts,
      strayLines: last?.strayLines ?? 0,
      failure: failureOf(last, needsScripts),
    }
    return { proof, manifest: null }
  }
  const proof: BootProof = {
    ...common,
    booted: true,
    era: chosen.manifest.era ?? 'legacy',
    protocolVersion: chosen.manifest.protocolVersion,
    initializeMs: chosen.initializeMs,
    neededPlaceholders: neededPlaceholders(observed.map(resultOf)),
    placeholders: placeholderNames(chosen.boot),
    strayLines: chosen.strayLines,
  }
  return { proof, manifest: chosen.manifest }
}

type Answered = Observed & { readonly manifest: NonNullable<Observed['manifest']> }

/** Of the boots that answered those that offered most, and of them the one that was given least. */
function best(observed: readonly Observed[]): Answered | undefined {
  return observed
    .filter((one): one is Answered => one.manifest !== null)
    .toSorted(
      (a, b) =>
        b.manifest.tools.length - a.manifest.tools.length ||
        a.boot.placeholders.size - b.boot.placeholders.size,
    )[0]
}

function failureOf(last: Observed | undefined, needsScripts: boolean): BootProof['failure'] {
  const error = needsScripts
    ? new CatwalkError(
        'install_scripts_needed',
        'The server misses what the install scripts of its packages make.',
      )
    : (last?.error ?? new CatwalkError('server_silent', 'The server did not answer in time.'))
  return { code: error.code, message: error.message, lastLines: last?.lines ?? [] }
}
