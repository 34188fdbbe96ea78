import { useMutation, useQueryClient } from '@tanstack/react-query'
import { api, type Collection } from '../../api/client.ts'
import { collectionQuery } from '../../api/queries.ts'
import { tellFailure } from '../../app/toasts.ts'
import { Card } from '../../kit/card.tsx'
import { Segmented } from '../../kit/segmented.tsx'

type Listing = Collection['listing']

const OPTIONS = [
  { value: 'auto', label: 'When there are many' },
  { value: 'flat', label: 'Never' },
  { value: 'search', label: 'Always' },
] as const satisfies readonly { value: Listing; label: string }[]

/** Whether clients see all tools, or two that find and call them. */
export function ToolListing({ collection }: { readonly collection: Collection }) {
  const { id, slug, listing, searchOver } = collection
  const queryClient = useQueryClient()
  const change = useMutation({
    mutationFn: (chosen: Listing) =>
      api.call('changeCollection', { params: { id }, body: { listing: chosen } }),
    onSuccess: (changed) => queryClient.setQueryData(collectionQuery(slug).queryKey, changed),
    onError: tellFailure,
  })
  return (
    <Card title="Searching for tools">
      <div className="pad stack">
        <p>
          Clients then see two tools instead of all: <code>search_tools</code> finds those that fit a few
          words, <code>call_tool</code> calls them. Many means more than {searchOver}.
        </p>
        <div className="scroll-s">
          <Segmented
            label="Search for tools"
            value={change.isPending ? change.variables : listing}
            options={OPTIONS}
            onChange={(chosen) => change.mutate(chosen)}
          />
        </div>
      </div>
    </Card>
  )
}
