import type { QueryClient } from '@tanstack/react-query'
import {
  createRootRouteWithContext,
  createRoute,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router'
import { ApiError } from '../api/client.ts'
import { meQuery, setUpQuery } from '../api/queries.ts'
import { Announcer } from './announcer.tsx'
import { ErrorPage } from './error-page.tsx'
import { NotFound } from './not-found.tsx'
import { Shell } from './shell.tsx'
import { Toaster } from './toaster.tsx'

// What is not to be passed on must be named as undefined: the router adds what else the address holds.
const text = (value: unknown) => (typeof value === 'string' ? value : undefined)

/** What looks like a number or a truth in an address has been read as one. */
const word = (value: unknown) =>
  typeof value === 'number' || typeof value === 'boolean' ? String(value) : text(value)

const root = createRootRouteWithContext<{ queryClient: QueryClient }>()({
  component: () => (
    <>
      <Outlet />
      <Toaster />
      <Announcer />
    </>
  ),
  errorComponent: ErrorPage,
})

const setUp = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  component: lazyRouteComponent(() => import('../rooms/set-up.tsx'), 'SetUpRoom'),
})

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: ({
    back,
    step,
    error,
  }): { back?: string | undefined; step?: 'code' | undefined; error?: string | undefined } => ({
    // Only a path of our own: a second slash or a backslash would lead to another host.
    back: /^\/(?![/\\])/.test(text(back) ?? '') ? text(back) : undefined,
    // A sign-in by a provider that still needs a code, or what it was refused with.
    step: step === 'code' ? 'code' : undefined,
    error: /^[a-z_]{1,60}$/i.test(text(error) ?? '') ? text(error) : undefined,
  }),
  component: lazyRouteComponent(() => import('../rooms/sign-in.tsx'), 'SignInRoom'),
})

const join = createRoute({
  getParentRoute: () => root,
  path: '/join',
  component: lazyRouteComponent(() => import('../rooms/people/join.tsx'), 'JoinRoom'),
})

const signUp = createRoute({
  getParentRoute: () => root,
  path: '/sign-up',
  component: lazyRouteComponent(() => import('../rooms/sign-up.tsx'), 'SignUpRoom'),
})

const resetPassword = createRoute({
  getParentRoute: () => root,
  path: '/reset-password',
  component: lazyRouteComponent(() => import('../rooms/people/reset-password.tsx'), 'ResetPasswordRoom'),
})

/** Lets only people in who are signed in. */
async function requireSession({
  context: { queryClient },
  location,
}: {
  readonly context: { readonly queryClient: QueryClient }
  readonly location: { readonly href: string }
}): Promise<void> {
  try {
    await queryClient.ensureQueryData(meQuery)
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) throw error
    const { needed } = await queryClient.fetchQuery(setUpQuery)
    if (needed) redirect({ to: '/setup', throw: true })
    redirect({
      throw: true,
      to: '/sign-in',
      search: location.href === '/' ? {} : { back: location.href },
    })
  }
}

const forgotPassword = createRoute({
  getParentRoute: () => root,
  path: '/forgot-password',
  component: lazyRouteComponent(() => import('../rooms/people/forgot-password.tsx'), 'ForgotPasswordRoom'),
})

const verifyEmail = createRoute({
  getParentRoute: () => root,
  path: '/verify-email',
  component: lazyRouteComponent(() => import('../rooms/people/verify-email.tsx'), 'VerifyEmailRoom'),
})

/** Every room that needs a session. */
const house = createRoute({
  getParentRoute: () => root,
  id: 'house',
  beforeLoad: requireSession,
  component: Shell,
})

const consent = createRoute({
  getParentRoute: () => root,
  path: '/consent',
  validateSearch: ({ request }): { request?: string | undefined } => ({ request: text(request) }),
  beforeLoad: requireSession,
  component: lazyRouteComponent(() => import('../rooms/consent/consent.tsx'), 'ConsentRoom'),
})

const accountCallback = createRoute({
  getParentRoute: () => root,
  path: '/accounts/callback',
  validateSearch: ({
    state,
    code,
    iss,
    error,
  }): {
    state?: string | undefined
    code?: string | undefined
    iss?: string | undefined
    error?: string | undefined
  } => ({ state: word(state), code: word(code), iss: word(iss), error: word(error) }),
  beforeLoad: requireSession,
  component: lazyRouteComponent(
    () => import('../rooms/own-credentials/account-callback.tsx'),
    'AccountCallbackRoom',
  ),
})

const start = createRoute({
  getParentRoute: () => house,
  path: '/',
  component: lazyRouteComponent(() => import('../rooms/start/start.tsx'), 'StartRoom'),
})

const review = createRoute({
  getParentRoute: () => house,
  path: '/new',
  validateSearch: ({ source, server }): { source: string; server?: string | undefined } => ({
    source: text(source) ?? '',
    server: text(server),
  }),
  component: lazyRouteComponent(() => import('../rooms/review/review.tsx'), 'ReviewRoom'),
})

const deployments = createRoute({
  getParentRoute: () => house,
  path: '/deployments',
  validateSearch: ({ state, find }): { state?: string | undefined; find?: string | undefined } => ({
    state: text(state),
    find: text(find),
  }),
  component: lazyRouteComponent(() => import('../rooms/deployments/deployments.tsx'), 'DeploymentsRoom'),
})

const collections = createRoute({
  getParentRoute: () => house,
  path: '/collections',
  component: lazyRouteComponent(() => import('../rooms/collections/collections.tsx'), 'CollectionsRoom'),
})

const collection = createRoute({
  getParentRoute: () => house,
  path: '/collections/$slug',
  component: lazyRouteComponent(() => import('../rooms/collections/collection.tsx'), 'CollectionRoom'),
})

const members = createRoute({
  getParentRoute: () => house,
  path: '/members',
  component: lazyRouteComponent(() => import('../rooms/people/members.tsx'), 'MembersRoom'),
})

const apiKeys = createRoute({
  getParentRoute: () => house,
  path: '/keys',
  component: lazyRouteComponent(() => import('../rooms/people/api-keys.tsx'), 'ApiKeysRoom'),
})

const account = createRoute({
  getParentRoute: () => house,
  path: '/account',
  validateSearch: ({ error }): { error?: string | undefined } => ({
    // What linking an account was refused with.
    error: /^[a-z_]{1,60}$/i.test(text(error) ?? '') ? text(error) : undefined,
  }),
  component: lazyRouteComponent(() => import('../rooms/account/account.tsx'), 'AccountRoom'),
})

const ownCredentials = createRoute({
  getParentRoute: () => house,
  path: '/your-credentials',
  validateSearch: ({ deployment: named }): { deployment?: string | undefined } => ({
    // Links from servers' errors name it; what it may be is told by the server.
    deployment: /^[\w-]{1,64}$/.test(text(named) ?? '') ? text(named) : undefined,
  }),
  component: lazyRouteComponent(
    () => import('../rooms/own-credentials/own-credentials.tsx'),
    'OwnCredentialsRoom',
  ),
})

const device = createRoute({
  getParentRoute: () => house,
  path: '/device',
  validateSearch: ({ code }): { code?: string | undefined } => ({
    // What else it may be is told by the server.
    code: /^[\w-]{8,12}$/.test(text(code) ?? '') ? text(code) : undefined,
  }),
  component: lazyRouteComponent(() => import('../rooms/people/device.tsx'), 'DeviceRoom'),
})

const doctor = createRoute({
  getParentRoute: () => house,
  path: '/doctor',
  component: lazyRouteComponent(() => import('../rooms/doctor/doctor.tsx'), 'DoctorRoom'),
})

const audit = createRoute({
  getParentRoute: () => house,
  path: '/audit',
  validateSearch: ({
    actor,
    action,
    outcome,
  }): { actor?: string | undefined; action?: string | undefined; outcome?: string | undefined } => ({
    actor: text(actor),
    action: text(action),
    outcome: text(outcome),
  }),
  component: lazyRouteComponent(() => import('../rooms/audit/audit.tsx'), 'AuditRoom'),
})

const calls = createRoute({
  getParentRoute: () => house,
  path: '/calls',
  validateSearch: ({
    deployment: slug,
    tool,
    who,
    outcome,
  }): {
    deployment?: string | undefined
    tool?: string | undefined
    who?: string | undefined
    outcome?: string | undefined
  } => ({ deployment: text(slug), tool: text(tool), who: text(who), outcome: text(outcome) }),
  component: lazyRouteComponent(() => import('../rooms/calls/calls.tsx'), 'CallsRoom'),
})

const workspaceSettings = createRoute({
  getParentRoute: () => house,
  path: '/settings',
  component: lazyRouteComponent(
    () => import('../rooms/settings/workspace-settings.tsx'),
    'WorkspaceSettingsRoom',
  ),
})

const usage = createRoute({
  getParentRoute: () => house,
  path: '/usage',
  component: lazyRouteComponent(() => import('../rooms/usage/usage.tsx'), 'UsageRoom'),
})

const deployment = createRoute({
  getParentRoute: () => house,
  path: '/deployments/$slug',
  component: lazyRouteComponent(() => import('../rooms/deployment/deployment.tsx'), 'DeploymentRoom'),
})

const tab = <Path extends string>(
  path: Path,
  name: 'Overview' | 'Tools' | 'Logs' | 'Usage' | 'Releases' | 'Access' | 'Settings',
) =>
  createRoute({
    getParentRoute: () => deployment,
    path,
    component: lazyRouteComponent(() => import('../rooms/deployment/tabs.ts'), name),
  })

const unknown = createRoute({ getParentRoute: () => house, path: '$', component: NotFound })

export const routeTree = root.addChildren([
  setUp,
  signIn,
  signUp,
  join,
  resetPassword,
  forgotPassword,
  verifyEmail,
  consent,
  accountCallback,
  house.addChildren([
    start,
    review,
    deployments,
    collections,
    collection,
    members,
    apiKeys,
    account,
    ownCredentials,
    device,
    audit,
    doctor,
    workspaceSettings,
    usage,
    calls,
    unknown,
    deployment.addChildren([
      tab('/', 'Overview'),
      tab('/tools', 'Tools'),
      tab('/logs', 'Logs'),
      tab('/usage', 'Usage'),
      tab('/releases', 'Releases'),
      tab('/access', 'Access'),
      tab('/settings', 'Settings'),
    ]),
  ]),
])
