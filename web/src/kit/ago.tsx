import { formatAgo } from './format.ts'
import { useNow } from './now.ts'

/** How long ago, kept current; the exact time on hover. */
export function Ago({ at }: { readonly at: string }) {
  const now = useNow(30_000)
  return (
    <time dateTime={at} title={new Date(at).toLocaleString('en-GB')}>
      {formatAgo(Date.parse(at), now)}
    </time>
  )
}
