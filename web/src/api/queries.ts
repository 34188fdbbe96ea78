import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { api, ApiError, type AuditEntry, type Deployment } from './client.ts'
import { chooseWorkspace } from './workspace.ts'

const SECOND_MS = 1000

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: async ({ signal }) => {
    try {
      return await api.call('getMe', {}, signal)
    } catch (error) {
      if (!(error instanceof ApiError) || error.body.error !== 'workspace_not_found') throw error
      // The one chosen earlier is gone, or we are not in it any more.
      chooseWorkspace(undefined)
      return api.call('getMe', {}, signal)
    }
  },
  staleTime: 60 * SECOND_MS,
})

export const setUpQuery = queryOptions({
  queryKey: ['setup'],
  queryFn: ({ signal }) => api.call('getSetUp', {}, signal),
})

export const installationQuery = queryOptions({
  queryKey: ['installation'],
  queryFn: ({ signal }) => api.call('getInstallation', {}, signal),
  staleTime: 60 * SECOND_MS,
})

const REGISTRY_PAGE = 12

/** Servers of the public registries that fit, page by page. Asked again while a registry is read for the first time. */
export const registryQuery = (words: string) =>
  infiniteQueryOptions({
    queryKey: ['registry', words],
    queryFn: ({ signal, pageParam }) =>
      api.call(
        'listRegistryServers',
        { query: { q: words, limit: REGISTRY_PAGE, ...(pageParam === null ? {} : { cursor: pageParam }) } },
        signal,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: ({ cursor }) => cursor,
    staleTime: 60 * SECOND_MS,
    refetchInterval: ({ state }) =>
      state.data?.pages[0]?.registries.some(({ syncing, syncedAt }) => syncing && syncedAt === null) === true
        ? 5 * SECOND_MS
        : false,
  })

const isMoving = (deployment: Deployment) =>
  deployment.state === 'deploying' || deployment.state === 'deleting'

export const deploymentsQuery = queryOptions({
  queryKey: ['deployments'],
  queryFn: async ({ signal }) => (await api.call('listDeployments', {}, signal)).items,
  // There is no feed of the whole workspace yet; what moves is asked for more often.
  refetchInterval: (query) => (query.state.data?.some(isMoving) ? 2 : 15) * SECOND_MS,
})

export const collectionsQuery = queryOptions({
  queryKey: ['collections'],
  queryFn: async ({ signal }) => (await api.call('listCollections', {}, signal)).items,
})

export const collectionQuery = (slug: string) =>
  queryOptions({
    queryKey: ['collection', slug],
    queryFn: ({ signal }) => api.call('getCollection', { params: { id: slug } }, signal),
  })

export const deploymentQuery = (slug: string) =>
  queryOptions({
    queryKey: ['deployment', slug],
    queryFn: ({ signal }) => api.call('getDeployment', { params: { id: slug } }, signal),
  })

export const releasesQuery = (id: string) =>
  queryOptions({
    queryKey: ['releases', id],
    queryFn: async ({ signal }) => (await api.call('listReleases', { params: { id } }, signal)).items,
  })

/** Releases never change, so neither does how they differ once both have answered. */
export const changesQuery = (id: string, number: number, since: number) =>
  queryOptions({
    queryKey: ['changes', id, number, since],
    queryFn: ({ signal }) =>
      api.call('compareReleases', { params: { id, number: String(number) }, query: { since } }, signal),
  })

/** Asked again while a newer version is looked for or tried out. */
export const updateQuery = (id: string) =>
  queryOptions({
    queryKey: ['update', id],
    queryFn: ({ signal }) => api.call('getUpdate', { params: { id } }, signal),
    staleTime: 60 * SECOND_MS,
    refetchInterval: ({ state }) =>
      state.data === undefined || state.data.phase === 'idle' ? false : SECOND_MS,
  })

export const catalogueQuery = (id: string) =>
  queryOptions({
    queryKey: ['catalogue', id],
    queryFn: ({ signal }) => api.call('getCatalogue', { params: { id } }, signal),
    staleTime: 60 * SECOND_MS,
  })

export const connectionsQuery = (id: string) =>
  queryOptions({
    queryKey: ['connections', id],
    queryFn: async ({ signal }) => (await api.call('listConnections', { params: { id } }, signal)).items,
  })

/** Client ids that were made by hand for an endpoint. */
export const oauthClientsQuery = (id: string) =>
  queryOptions({
    queryKey: ['oauth-clients', id],
    queryFn: async ({ signal }) => (await api.call('listOAuthClients', { params: { id } }, signal)).items,
  })

/** Only on request: it sends about twenty requests to the public address. */
export const signInCheckQuery = (id: string) =>
  queryOptions({
    queryKey: ['sign-in-check', id],
    queryFn: async ({ signal }) => (await api.call('checkSignIn', { params: { id } }, signal)).items,
    enabled: false,
    retry: false,
  })

export const ownConnectionsQuery = queryOptions({
  queryKey: ['own-connections'],
  queryFn: async ({ signal }) => (await api.call('listOwnConnections', {}, signal)).items,
})

/** What deployments want of the one who is signed in. */
export const ownCredentialsQuery = queryOptions({
  queryKey: ['own-credentials'],
  queryFn: async ({ signal }) => (await api.call('listOwnCredentials', {}, signal)).items,
})

export const accountProvidersQuery = queryOptions({
  queryKey: ['account-providers'],
  queryFn: async ({ signal }) => (await api.call('listAccountProviders', {}, signal)).items,
})

/** Asked again: a service may refuse an account at any time. */
export const accountsQuery = (id: string) =>
  queryOptions({
    queryKey: ['accounts', id],
    queryFn: async ({ signal }) => (await api.call('listAccounts', { params: { id } }, signal)).items,
    refetchInterval: 30 * SECOND_MS,
  })

/** Redeems what a browser came back with; never twice. */
export const finishedAccountQuery = (answer: {
  readonly state?: string | undefined
  readonly code?: string | undefined
  readonly iss?: string | undefined
  readonly error?: string | undefined
}) =>
  queryOptions({
    queryKey: ['finished-account', answer.state],
    queryFn: () => {
      const { state = 'none', code, iss, error } = answer
      return api.call('finishAccount', {
        body: {
          state,
          ...(code === undefined ? {} : { code }),
          ...(iss === undefined ? {} : { iss }),
          ...(error === undefined ? {} : { error }),
        },
      })
    },
    staleTime: Infinity,
    retry: false,
  })

/** What a client asks of the one who is signed in. */
export const questionQuery = (request: string) =>
  queryOptions({
    queryKey: ['question', request],
    queryFn: ({ signal }) => api.call('lookAtAuthorization', { body: { request } }, signal),
    staleTime: Infinity,
    retry: false,
  })

export const toolsQuery = (id: string) =>
  queryOptions({
    queryKey: ['tools', id],
    queryFn: ({ signal }) => api.call('listTools', { params: { id } }, signal),
  })

export const settingsQuery = (id: string) =>
  queryOptions({
    queryKey: ['settings', id],
    queryFn: ({ signal }) => api.call('getSettings', { params: { id } }, signal),
  })

export const tokensQuery = (id: string) =>
  queryOptions({
    queryKey: ['tokens', id],
    queryFn: async ({ signal }) => (await api.call('listTokens', { params: { id } }, signal)).items,
  })

export interface AuditFilter {
  readonly actor: string | undefined
  readonly action: string | undefined
  readonly outcome: AuditEntry['outcome'] | undefined
}

const AUDIT_PAGE = 100

/** Entries of the audit log that fit, page by page. */
export const auditQuery = (filter: AuditFilter) =>
  infiniteQueryOptions({
    queryKey: ['audit', filter],
    queryFn: async ({ signal, pageParam }) =>
      (await api.call('listAudit', { query: { ...filter, before: pageParam, limit: AUDIT_PAGE } }, signal))
        .items,
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => (page.length < AUDIT_PAGE ? undefined : page.at(-1)?.id),
  })

export const workspacesQuery = queryOptions({
  queryKey: ['workspaces'],
  queryFn: async ({ signal }) => (await api.call('listWorkspaces', {}, signal)).items,
  staleTime: 60 * SECOND_MS,
})

export const membersQuery = queryOptions({
  queryKey: ['members'],
  queryFn: async ({ signal }) => (await api.call('listMembers', {}, signal)).items,
})

export const invitationsQuery = queryOptions({
  queryKey: ['invitations'],
  queryFn: async ({ signal }) => (await api.call('listInvitations', {}, signal)).items,
})

export const apiKeysQuery = queryOptions({
  queryKey: ['api-keys'],
  queryFn: async ({ signal }) => (await api.call('listApiKeys', {}, signal)).items,
})

export const sessionsQuery = queryOptions({
  queryKey: ['sessions'],
  queryFn: async ({ signal }) => (await api.call('listSessions', {}, signal)).items,
})

/** By what one can sign in. */
export const signInWaysQuery = queryOptions({
  queryKey: ['sign-in-ways'],
  queryFn: ({ signal }) => api.call('getSignInWays', {}, signal),
})

/** Who can make an account here. */
export const signUpQuery = queryOptions({
  queryKey: ['sign-up'],
  queryFn: ({ signal }) => api.call('getSignUp', {}, signal),
  staleTime: Infinity,
})

/** What an invitation is for. */
export const invitationQuery = (token: string) =>
  queryOptions({
    queryKey: ['invitation', token],
    queryFn: ({ signal }) => api.call('lookAtInvitation', { body: { token } }, signal),
    retry: false,
  })

/** A terminal that asks to be let in. */
export const deviceLoginQuery = (userCode: string) =>
  queryOptions({
    queryKey: ['device-login', userCode],
    queryFn: ({ signal }) => api.call('lookAtDeviceLogin', { params: { userCode } }, signal),
    retry: false,
    staleTime: Infinity,
  })

export const workspaceSettingsQuery = queryOptions({
  queryKey: ['workspace-settings'],
  queryFn: async ({ signal }) => (await api.call('listWorkspaceSettings', {}, signal)).items,
})

export const noticeChannelsQuery = queryOptions({
  queryKey: ['notice-channels'],
  queryFn: async ({ signal }) => (await api.call('listNoticeChannels', {}, signal)).items,
})

/** The last few; asked again soon while one is on its way. */
export const noticesQuery = queryOptions({
  queryKey: ['notices'],
  queryFn: async ({ signal }) => (await api.call('listNotices', { query: { limit: 8 } }, signal)).items,
  refetchInterval: ({ state }) =>
    (state.data?.some((item) => item.state === 'pending') === true ? 2 : 30) * SECOND_MS,
})

export const keysQuery = queryOptions({
  queryKey: ['master-keys'],
  queryFn: ({ signal }) => api.call('getKeys', {}, signal),
})

/** Goes through the whole chain, so only when it is asked for. */
export const auditVerificationQuery = queryOptions({
  queryKey: ['audit-verification'],
  queryFn: ({ signal }) => api.call('verifyAudit', {}, signal),
  enabled: false,
  retry: false,
})

export const doctorQuery = queryOptions({
  queryKey: ['doctor'],
  queryFn: ({ signal }) => api.call('getDoctor', {}, signal),
  staleTime: 60 * SECOND_MS,
})
