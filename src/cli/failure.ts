import { CatwalkError } from '../domain/index.ts'
import type { RouteOutput, schemas } from '../contract/index.ts'
import { EXIT, exitCodeOf, type ExitCode } from './exit-codes.ts'
import type { z } from 'zod'

export type Deployment = RouteOutput<'getDeployment'>
export type ReleaseError = NonNullable<Deployment['release']['error']>
export type ErrorBody = z.output<typeof schemas.ErrorBody>

/** A command's end other than success: what is printed, and the exit code. */
export interface Failure {
  readonly body: ErrorBody
  readonly exitCode: ExitCode
  /** Of a deployment that failed: how its server ended, and what it said. */
  readonly postMortem?: Pick<ReleaseError, 'exitCode' | 'signal' | 'lastLines'>
}

/** A deployment did not come up. */
export class DeploymentFailedError extends Error {
  readonly deployment: Deployment
  override readonly cause: ReleaseError

  constructor(deployment: Deployment, cause: ReleaseError) {
    super(cause.message)
    this.name = 'DeploymentFailedError'
    this.deployment = deployment
    this.cause = cause
  }
}

/** The person at the keyboard, or a signal, told the command to stop. */
export class InterruptedError extends Error {
  constructor() {
    super('Interrupted.')
    this.name = 'InterruptedError'
  }
}

/** The way in which a thrown value is shown. Unknown ones become `internal`. */
export function toFailure(error: unknown): Failure {
  if (error instanceof DeploymentFailedError) return deploymentFailure(error)
  if (error instanceof CatwalkError) {
    return { body: error.toBody(), exitCode: exitCodeOf(error.code, error.status) }
  }
  if (isApiError(error)) return { body: error.body, exitCode: exitCodeOf(error.body.error, error.status) }
  const foreign = error instanceof SyntaxError || (error instanceof Error && error.name === 'ZodError')
  const internal = foreign
    ? new CatwalkError('internal', 'The answer of the server is not what this version expects.', {
        help: 'Check that the address is that of a Catwalk server of the same version.',
      })
    : new CatwalkError('internal', error instanceof Error ? error.message : String(error), {
        help: 'Try again. If it stays, report it with the command that you typed.',
      })
  return { body: internal.toBody(), exitCode: EXIT.failed }
}

function deploymentFailure({ deployment, cause }: DeploymentFailedError): Failure {
  const { exitCode, signal, lastLines, ...body } = cause
  return {
    body: {
      ...body,
      details: {
        id: deployment.id,
        slug: deployment.slug,
        state: deployment.state,
        endpoint: deployment.endpoint,
        exitCode,
        signal,
        lastLines,
      },
    },
    exitCode: EXIT.deploymentFailed,
    postMortem: { exitCode, signal, lastLines },
  }
}

// By shape, so that a command line that is wrong does not have to load the contract to be told so.
export function isApiError(error: unknown): error is Error & { status: number; body: ErrorBody } {
  return error instanceof Error && error.name === 'ApiError' && 'status' in error && 'body' in error
}
