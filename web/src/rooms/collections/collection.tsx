import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import { Layers, Lock, Trash2, TriangleAlert } from 'lucide-react'
import { useState } from 'react'
import { api, type Collection } from '../../api/client.ts'
import { collectionQuery, collectionsQuery } from '../../api/queries.ts'
import { forgetFreshToken, freshTokens } from '../../app/fresh-tokens.ts'
import { Page } from '../../app/page.tsx'
import { useStore } from '../../app/store.ts'
import { Button } from '../../kit/button.tsx'
import { Card } from '../../kit/card.tsx'
import { Confirm } from '../../kit/confirm.tsx'
import { CopyButton } from '../../kit/copy-button.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { plural } from '../../kit/format.ts'
import { Note } from '../../kit/note.tsx'
import { PageHead } from '../../kit/page-head.tsx'
import { Skeleton } from '../../kit/skeleton.tsx'
import { Walk } from '../../kit/walk.tsx'
import { Tokens } from '../deployment/access.tsx'
import { AccessChoice } from '../deployment/access-mode.tsx'
import { ConnectTo } from '../deployment/connect.tsx'
import { SignIns } from '../deployment/sign-ins.tsx'
import { NewToken } from '../deployment/new-token.tsx'
import { CollectionMembers } from './collection-members.tsx'
import { ToolListing } from './tool-listing.tsx'

const ABOVE = [{ to: '/collections', label: 'Collections' }] as const

/** One collection: what is in it, how clients connect, and who may. */
export function CollectionRoom() {
  const { slug } = useParams({ from: '/house/collections/$slug' })
  const { data, error, refetch } = useQuery(collectionQuery(slug))
  return (
    <Page title={data?.name ?? slug} above={ABOVE}>
      {data !== undefined ? (
        <Opened collection={data} />
      ) : error ? (
        <>
          <PageHead title={slug} />
          <ErrorNote error={error} onRetry={() => void refetch()} />
        </>
      ) : (
        <>
          <PageHead title={slug} />
          <div className="stack wide" role="status" aria-busy="true" aria-label="Loading the collection">
            <Skeleton width={20} />
            <Skeleton width={16} />
          </div>
        </>
      )}
    </Page>
  )
}

function Opened({ collection }: { readonly collection: Collection }) {
  const { id, name, slug, endpoint, members, toolCount, searches, access, warnings } = collection
  const queryClient = useQueryClient()
  const fresh = useStore(freshTokens)[id] ?? null
  const [isDeleting, setDeleting] = useState(false)
  const offered = searches ? 'found by searching' : 'listed'
  return (
    <>
      <PageHead
        title={name}
        lead={`${plural(members.length, 'deployment')} with ${plural(toolCount, 'tool')}, ${offered}.`}
        actions={
          <Button icon={Trash2} onClick={() => setDeleting(true)}>
            Delete
          </Button>
        }
      />
      <Walk
        sourceIcon={Layers}
        source={members.map(({ prefix }) => prefix).join(', ') || 'Nothing in it yet'}
        line={members.length === 0 ? 'off' : 'up'}
        at={0.7}
        endpoint={endpoint}
        endpointIcon={Lock}
        end={<CopyButton text={endpoint} what="the endpoint" />}
      />
      <div className="tab stack wide">
        {fresh !== null && (
          <Card title="Its token">
            <NewToken secret={fresh} what="call everything in it" onSaved={() => forgetFreshToken(id)} />
          </Card>
        )}
        {warnings.length > 0 && (
          <Note tone="unhealthy" icon={TriangleAlert} title="Not all of it can be reached">
            {warnings.map((warning) => (
              <p key={warning}>{warning}</p>
            ))}
          </Note>
        )}
        <CollectionMembers collection={collection} />
        <ConnectTo
          slug={slug}
          endpoint={endpoint}
          access={access}
          token={fresh}
          accessPlace={<a href="#access">Who may call</a>}
        />
        <ToolListing collection={collection} />
        <div id="access" className="stack wide">
          <AccessChoice
            access={access}
            change={async (chosen) => {
              const changed = await api.call('changeCollection', {
                params: { id },
                body: { access: chosen },
              })
              queryClient.setQueryData(collectionQuery(slug).queryKey, changed)
            }}
          />
          {access !== 'token' && access !== 'public' && <SignIns id={id} />}
          <Tokens id={id} personal="maybe" />
        </div>
      </div>
      {isDeleting && <DeleteCollection collection={collection} onClose={() => setDeleting(false)} />}
    </>
  )
}

interface DeleteCollectionProps {
  readonly collection: Collection
  readonly onClose: () => void
}

function DeleteCollection({ collection: { id, name }, onClose }: DeleteCollectionProps) {
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  const remove = useMutation({
    mutationFn: () => api.call('deleteCollection', { params: { id } }),
    onSuccess: async () => {
      await navigate({ to: '/collections' })
      void queryClient.invalidateQueries({ queryKey: collectionsQuery.queryKey })
    },
  })
  return (
    <Confirm
      title={`Delete ${name}`}
      action="Delete it"
      pending={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      <p>Its address and tokens stop working at once. The deployments in it stay as they are.</p>
    </Confirm>
  )
}
