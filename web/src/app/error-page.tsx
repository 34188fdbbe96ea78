import { useRouter, type ErrorComponentProps } from '@tanstack/react-router'
import { ErrorNote } from '../kit/error-note.tsx'
import { Door } from './door.tsx'
import { explain } from './explain.ts'

/** Stands in for a room that could not be drawn or loaded. */
export function ErrorPage({ error, reset }: ErrorComponentProps) {
  const router = useRouter()
  const retry = () => {
    reset()
    void router.invalidate()
  }
  return (
    <Door title={explain(error).code === 'unreachable' ? 'Catwalk does not answer' : 'Something went wrong'}>
      <ErrorNote error={error} onRetry={retry} />
    </Door>
  )
}
