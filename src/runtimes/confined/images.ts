import { anySignal, CatwalkError, imageReference, packageLabel } from '../../domain/index.ts'
import type { Images } from './confinement.ts'
import type { Preparation } from './prepare.ts'

/** Brings the images of releases here, and everything else as it always is. */
export function withImages(
  preparation: Preparation,
  images: Images | undefined,
  timeoutMs: number,
): Preparation {
  return {
    prepare: async (input, signal) => {
      const { package: pkg } = input.spec
      if (pkg.kind !== 'oci') return preparation.prepare(input, signal)
      const reference = imageReference(pkg)
      const there = imagesFor(images)
      if (await there.has(reference, signal)) {
        input.output('system', `${packageLabel(pkg)} is here already`)
        return { lockFile: '', packages: 1, fromStore: true }
      }
      input.output('system', `Fetching the image ${reference}`)
      const timeout = AbortSignal.timeout(timeoutMs)
      try {
        await there.pull(reference, anySignal([signal, timeout]))
      } catch (error) {
        signal.throwIfAborted()
        if (!timeout.aborted) throw error
        const seconds = Math.round(timeoutMs / 1_000)
        throw new CatwalkError('install_timeout', `The image was not here after ${seconds} seconds.`, {
          cause: error,
        })
      }
      return { lockFile: '', packages: 1, fromStore: false }
    },
    programOf: async (input, lockFile) => {
      const { package: pkg } = input.spec
      if (pkg.kind !== 'oci') return preparation.programOf(input, lockFile)
      return { installation: null, program: pkg.program, image: imageReference(pkg), letGo: nothing }
    },
    keyOf: (input, lockFile) => preparation.keyOf(input, lockFile),
  }
}

/** An engine itself keeps the images of what it runs. */
function nothing(): void {}

function imagesFor(images: Images | undefined): Images {
  if (images === undefined) throw runsNoImages()
  return images
}

/** For where a package is to be run that brings a system of its own along. */
export function runsNoImages(): CatwalkError {
  return new CatwalkError('runtime_unavailable', "Images run on the runtimes 'docker' and 'kubernetes' only.")
}
