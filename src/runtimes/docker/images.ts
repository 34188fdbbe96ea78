import type Docker from 'dockerode'
import { CatwalkError } from '../../domain/index.ts'
import type { Images } from '../confined/index.ts'
import { statusOf, wordsOf } from './container.ts'

/** The images that an engine has, and can fetch. What it fetches by a digest it checks against it. */
export function imagesOf(engine: Docker): Images {
  return {
    has: async (reference) => {
      try {
        await engine.getImage(reference).inspect()
        return true
      } catch (error) {
        if (statusOf(error) === 404) return false
        throw away(error)
      }
    },
    pull: async (reference, signal) => {
      try {
        // The types know of no abort signal, which docker-modem takes.
        const options: object = { abortSignal: signal }
        const progress: NodeJS.ReadableStream = await engine.pull(reference, options)
        await new Promise<void>((resolve, reject) => {
          engine.modem.followProgress(progress, (error) => (error === null ? resolve() : reject(error)))
        })
      } catch (error) {
        signal.throwIfAborted()
        if (isAway(error)) {
          throw away(error)
        }
        throw new CatwalkError('install_failed', `The engine cannot fetch the image: ${wordsOf(error)}`, {
          cause: error,
        })
      }
    },
  }
}

function isAway(error: unknown): boolean {
  return error instanceof Error && 'code' in error
}

function away(error: unknown): CatwalkError {
  return new CatwalkError('sandbox_unavailable', `The Docker engine does not answer: ${wordsOf(error)}`, {
    cause: error,
  })
}
