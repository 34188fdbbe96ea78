import { UsageView } from '../usage/usage-view.tsx'
import { useCurrent } from './current.ts'

export function Usage() {
  const { id } = useCurrent()
  return <UsageView deployment={id} />
}
