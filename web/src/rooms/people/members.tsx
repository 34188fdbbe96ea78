import { useMutation, useQuery, useQueryClient, useSuspenseQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useState } from 'react'
import { api, type Invitation, type Member, type Role } from '../../api/client.ts'
import { invitationsQuery, membersQuery, meQuery } from '../../api/queries.ts'
import { Page } from '../../app/page.tsx'
import { tellFailure } from '../../app/toasts.ts'
import { useEnterWorkspace } from '../../app/workspace-menu.tsx'
import { Ago } from '../../kit/ago.tsx'
import { Button } from '../../kit/button.tsx'
import { Card } from '../../kit/card.tsx'
import { Confirm } from '../../kit/confirm.tsx'
import { formatDay } from '../../kit/format.ts'
import { useNow } from '../../kit/now.ts'
import { PageHead } from '../../kit/page-head.tsx'
import { Unloaded } from '../../kit/unloaded.tsx'
import { Invite } from './invite.tsx'
import { RoleSelect } from './role-select.tsx'
import { mayGive, ROLE_WORDS } from './roles.ts'
import '../../kit/table.css'
import './people.css'

/** Who is in the workspace, and who is invited. */
export function MembersRoom() {
  const { data: me } = useSuspenseQuery(meQuery)
  const { data: members, error, refetch } = useQuery(membersQuery)
  const [isInviting, setInviting] = useState(false)
  const isAdmin = me.role === 'owner' || me.role === 'admin'
  return (
    <Page title="Members">
      <PageHead
        title="Members"
        lead={`Who works in ${me.workspace.name}.`}
        actions={
          isAdmin && (
            <Button variant="primary" icon={Plus} onClick={() => setInviting(true)}>
              Invite
            </Button>
          )
        }
      />
      <div className="stack wide">
        <Card className="cut" title="Members">
          {members === undefined ? (
            <Unloaded label="Loading members" error={error} onRetry={() => void refetch()} padded />
          ) : (
            <MemberTable members={members} own={me.user?.id ?? null} role={me.role} />
          )}
        </Card>
        {isAdmin && <Invitations />}
      </div>
      {isInviting && <Invite role={me.role} onClose={() => setInviting(false)} />}
    </Page>
  )
}

interface MemberTableProps {
  readonly members: readonly Member[]
  /** Id of the one who looks. */
  readonly own: string | null
  readonly role: Role
}

function MemberTable({ members, own, role }: MemberTableProps) {
  const queryClient = useQueryClient()
  const [leaving, setLeaving] = useState<Member | null>(null)
  const change = useMutation({
    mutationFn: ({ userId, to }: { userId: string; to: Role }) =>
      api.call('changeRole', { params: { userId }, body: { role: to } }),
    onSuccess: () => queryClient.invalidateQueries(),
    onError: tellFailure,
  })
  return (
    <>
      <table className="table low people">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col" className="no-s">
              Joined
            </th>
            <th scope="col">Role</th>
            <th scope="col">
              <span className="sr">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {members.map((member) => (
            <tr key={member.userId}>
              <td>
                <span className="name">{member.name}</span>
                <div className="sub">{member.email}</div>
              </td>
              <td className="no-s dim">
                <Ago at={member.joinedAt} />
              </td>
              <td>
                {mayGive(role, member.role) && mayGive(role, 'admin') ? (
                  <RoleSelect
                    label={`Role of ${member.name}`}
                    value={member.role}
                    upTo={role}
                    onChange={(to) => change.mutate({ userId: member.userId, to })}
                  />
                ) : (
                  ROLE_WORDS[member.role]
                )}
              </td>
              <td className="n">
                {(member.userId === own || (mayGive(role, 'admin') && mayGive(role, member.role))) && (
                  <Button
                    size="sm"
                    variant="quiet"
                    aria-label={member.userId === own ? 'Leave' : `Remove ${member.name}`}
                    onClick={() => setLeaving(member)}
                  >
                    {member.userId === own ? 'Leave' : 'Remove'}
                  </Button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {leaving && (
        <Removal member={leaving} isSelf={leaving.userId === own} onClose={() => setLeaving(null)} />
      )}
    </>
  )
}

interface RemovalProps {
  readonly member: Member
  readonly isSelf: boolean
  readonly onClose: () => void
}

function Removal({ member, isSelf, onClose }: RemovalProps) {
  const queryClient = useQueryClient()
  const enter = useEnterWorkspace()
  const remove = useMutation({
    mutationFn: () => api.call('removeMember', { params: { userId: member.userId } }),
    onSuccess: async () => {
      onClose()
      if (isSelf) await enter(undefined)
      else await queryClient.invalidateQueries({ queryKey: membersQuery.queryKey })
    },
  })
  return (
    <Confirm
      title={isSelf ? 'Leave the workspace' : `Remove ${member.name}`}
      action={isSelf ? 'Leave' : 'Remove'}
      pending={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      <p>
        {isSelf ? 'You lose' : `${member.name} loses`} access at once, and API keys made here stop working.
        Deployments and endpoint tokens stay.
      </p>
    </Confirm>
  )
}

function Invitations() {
  const queryClient = useQueryClient()
  const { data: invitations } = useQuery(invitationsQuery)
  const now = useNow(null)
  const revoke = useMutation({
    mutationFn: ({ id }: Invitation) => api.call('revokeInvitation', { params: { id } }),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: invitationsQuery.queryKey }),
    onError: tellFailure,
  })
  if (invitations === undefined || invitations.length === 0) return null
  return (
    <Card className="cut" title="Invitations">
      <table className="table low people">
        <thead>
          <tr>
            <th scope="col">For</th>
            <th scope="col">Role</th>
            <th scope="col" className="no-s">
              Expires
            </th>
            <th scope="col">
              <span className="sr">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {invitations.map((invitation) => (
            <tr key={invitation.id}>
              <td className="name">{invitation.email ?? 'Whoever has the link'}</td>
              <td>{ROLE_WORDS[invitation.role]}</td>
              <td className="no-s dim">{formatDay(Date.parse(invitation.expiresAt), now)}</td>
              <td className="n">
                <Button
                  size="sm"
                  variant="quiet"
                  aria-label={`Take back the invitation for ${invitation.email ?? 'whoever has the link'}`}
                  onClick={() => revoke.mutate(invitation)}
                >
                  Take back
                </Button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  )
}
