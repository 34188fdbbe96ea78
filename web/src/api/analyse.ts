import { queryOptions, skipToken, useQuery } from '@tanstack/react-query'
import { api, ApiError, schemas, type Analysis, type RunStep } from './client.ts'

interface Question {
  readonly source: string
  readonly server?: string
  readonly fresh?: boolean
}

/**
 * Has a source analysed and tells of each step as it begins and ends. Giving up ends the analysis, unless somebody else
 * waits for it as well.
 * @throws ApiError; the signal's reason
 */
async function analyse(
  question: Question,
  onSteps: (steps: readonly RunStep[]) => void,
  signal: AbortSignal,
): Promise<Analysis> {
  onSteps([])
  const run = await api.call('startAnalysis', { body: question }, signal)
  onSteps(run.steps)
  if (run.analysis !== null) return run.analysis
  if (run.error !== null) throw new ApiError(FAILED, run.error)
  return follow(run.id, onSteps, signal)
}

/** The error itself says more than a status, which a stream has none of. */
const FAILED = 422

function follow(
  id: string,
  onSteps: (steps: readonly RunStep[]) => void,
  signal: AbortSignal,
): Promise<Analysis> {
  const { promise, resolve, reject } = Promise.withResolvers<Analysis>()
  const steps: RunStep[] = []
  const feed = new EventSource(api.url('streamAnalysis', { params: { id } }))
  feed.addEventListener('step', ({ data }: MessageEvent<string>) => {
    const step = schemas.AnalysisStep.parse(JSON.parse(data))
    // Told twice: when it begins, and when it has ended.
    const at = steps.findIndex(
      ({ startedAt, step: name }) => name === step.step && startedAt === step.startedAt,
    )
    if (at === -1) steps.push(step)
    else steps[at] = step
    onSteps([...steps])
  })
  feed.addEventListener('analysis', ({ data }: MessageEvent<string>) => {
    resolve(schemas.Analysis.parse(JSON.parse(data)))
  })
  feed.addEventListener('failed', ({ data }: MessageEvent<string>) => {
    reject(new ApiError(FAILED, schemas.ErrorBody.parse(JSON.parse(data))))
  })
  feed.addEventListener('error', () => {
    // A broken connection is made again by the browser; what is no stream says why when it is asked for itself.
    if (feed.readyState === EventSource.CLOSED) void ask(id, signal).then(resolve, reject)
  })
  const giveUp = () => reject(signal.reason instanceof Error ? signal.reason : new Error('given up'))
  signal.addEventListener('abort', giveUp, { once: true })
  return promise.finally(() => {
    signal.removeEventListener('abort', giveUp)
    feed.close()
  })
}

/** How it ended, when it cannot be followed any more. */
async function ask(id: string, signal: AbortSignal): Promise<Analysis> {
  const { analysis, error } = await api.call('getAnalysis', { params: { id } }, signal)
  if (analysis !== null) return analysis
  throw error === null ? new Error('The connection was lost.') : new ApiError(FAILED, error)
}

export const analysisKey = (source: string, server?: string) => ['analysis', source, server ?? null] as const

const stepsKey = (source: string, server?: string) => ['analysis-steps', source, server ?? null] as const

/**
 * What is found out about a source: kept while the reader edits the form, never repeated by itself.
 * @param server which one, where it has several
 * @param text what is sent for the source when it was pasted as something else
 */
export const analysisQuery = (source: string, server?: string, text: string = source, fresh = false) =>
  queryOptions({
    queryKey: analysisKey(source, server),
    queryFn: ({ signal, client }) =>
      analyse(
        { source: text, ...(server === undefined ? {} : { server }), ...(fresh ? { fresh } : {}) },
        (steps) => client.setQueryData(stepsKey(source, server), steps),
        signal,
      ),
    staleTime: 300_000,
    retry: false,
  })

/** How far the analysis of a source is that goes on now. */
export function useAnalysisSteps(source: string, server?: string): readonly RunStep[] {
  const key = stepsKey(source, server)
  return useQuery<readonly RunStep[]>({ queryKey: key, queryFn: skipToken }).data ?? []
}
