import type { Page } from 'playwright-core'
import { routes, type RouteName } from '../../../src/contract/index.ts'
import { CatwalkError } from '../../../src/domain/index.ts'
import type { FakeApiOptions, FakeRequest, FeedConnection } from '../../fakes/api.ts'
import * as data from './scene-data.ts'

/** A room in a state that the real program is rarely caught in. */
export interface Scene {
  readonly name: string
  readonly path: string
  /** Answers of the API that differ from the house's usual ones. */
  readonly answers?: Handlers
  /** A text that is there when the room is drawn. */
  readonly ready: string
  /** What is done before it is looked at. */
  readonly act?: (page: Page) => Promise<void>
}

export type Handlers = NonNullable<FakeApiOptions['handlers']>

/** What the API of the house answers if nothing else is said. */
export const house: Handlers = {
  getMe: () => data.me,
  getSetUp: () => ({ needed: false }),
  getInstallation: () => data.installation,
  listDeployments: () => ({ items: data.deployments }),
  createAnalysis: () => data.analysis,
  listRegistryServers: () => data.registry,
  listWorkspaces: () => ({ items: data.workspaces }),
  listMembers: () => ({ items: data.members }),
  listInvitations: () => ({ items: data.invitations }),
  createInvitation: () => ({
    ...data.invitation,
    url: 'http://localhost:7420/join#token=Vt5yq0Jm2nHk8sXr4wZb7dLe',
    mailed: false,
  }),
  listApiKeys: () => ({ items: data.apiKeys }),
  getSignUp: () => data.signUp,
  getSignInWays: () => data.signInWays,
  startSecondFactor: () => data.enrolment,
  renewRecoveryCodes: () => ({ recoveryCodes: data.enrolment.recoveryCodes }),
  listSessions: () => ({ items: data.sessions }),
  lookAtDeviceLogin: () => data.deviceLogin,
  decideDeviceLogin: () => null,
  lookAtInvitation: () => ({ workspace: 'Fjordworks', role: 'member', email: null, signUp: true }),
  getDoctor: () => data.doctor,
  getKeys: () => data.keys,
  verifyAudit: () => ({ ok: true, entries: 214, head: '5f0c'.repeat(16), problem: null }),
  listWorkspaceSettings: () => ({ items: data.workspaceSettings }),
  changeWorkspaceSettings: () => ({ items: data.workspaceSettings }),
  listAudit: () => ({ items: data.audit }),
  listCalls: () => ({ items: data.calls, before: null }),
  listCollections: () => ({ items: [data.collection] }),
  getCollection: () => data.collection,
  getDeployment: ({ params }) => {
    const found = data.deployments.find(({ slug, id }) => slug === params['id'] || id === params['id'])
    if (found === undefined) throw new CatwalkError('deployment_not_found', `There is no "${params['id']}".`)
    return found
  },
  getCatalogue: () => data.catalogue,
  listTools: () => data.tools,
  listLogs: () => ({ items: data.logs, before: null }),
  getUsage: () => data.usage,
  getCost: () => data.cost,
  getQuotas: () => data.quotas,
  changeQuotas: () => data.quotas,
  listReleases: () => ({ items: [data.ticktick.release] }),
  compareReleases: () => data.changes,
  getUpdate: () => ({ ...data.update, available: false }),
  listTokens: () => ({ items: data.tokens }),
  getSettings: () => data.settings,
  listOwnCredentials: () => ({ items: [] }),
  listAccountProviders: () => ({ items: data.accountProviders }),
  listNoticeChannels: () => ({ items: data.noticeChannels }),
  listNotices: () => ({ items: data.notices }),
  createNoticeChannel: () => ({
    ...data.noticeChannel,
    secret: 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDazmP5sYeT0w=',
  }),
  listAccounts: () => ({ items: [] }),
  listOwnConnections: () => ({ items: data.connections }),
  listConnections: () => ({ items: data.connections }),
  listOAuthClients: () => ({ items: data.oauthClients }),
  checkSignIn: () => ({ items: data.signInChecks }),
  lookAtAuthorization: () => data.question,
  createToken: () => ({ ...data.token, secret: 'cwk_Vt5yq0Jm2nHk8sXr4wZb7dLe' }),
  callTool: () => data.callResult,
}

/** Tells what happened so far. */
export const feed = (connection: FeedConnection): void => {
  for (const event of data.events) connection.send('event', event, event.id)
  for (const line of data.logs) connection.send('log', line, line.id)
}

/** The API of a house where things happened. `answers` says what it answers otherwise at the moment. */
export function fakeHouse(
  answers: () => Handlers,
  feedOf = feed,
  analysisFeed: NonNullable<FakeApiOptions['analysisFeed']> = () => undefined,
): FakeApiOptions {
  // Each handler has the request and the answer of its own name.
  const handlers = Object.fromEntries(
    (Object.keys(routes) as RouteName[]).map((name) => [
      name,
      (request: FakeRequest) => {
        const handler = answers()[name] ?? (name === 'startAnalysis' ? doneAtOnce(answers()) : house[name])
        if (handler === undefined) throw new CatwalkError('not_found', `The fake has no answer for ${name}.`)
        return handler(request)
      },
    ]),
  ) as Handlers
  return { handlers, feed: feedOf, analysisFeed }
}

/** Where only what an analysis finds matters, it is done as soon as it begins. */
function doneAtOnce({ createAnalysis = house.createAnalysis }: Handlers): Handlers['startAnalysis'] {
  return async (request) => {
    if (createAnalysis === undefined) throw new CatwalkError('not_found', 'The fake analyses nothing.')
    const analysis = await createAnalysis(request)
    return { id: analysis.id, source: analysis.asked, state: 'done', steps: [], analysis, error: null }
  }
}

const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString()

const stranger: Handlers = {
  getMe: () => {
    throw new CatwalkError('unauthenticated', 'Nobody is signed in.')
  },
}

const SNIPPET = JSON.stringify(
  {
    mcpServers: {
      ticktick: { command: 'npx', args: ['-y', 'ticktick-mcp'], env: { TICKTICK_ACCESS_TOKEN: 'tt' } },
    },
  },
  null,
  2,
)

export const SEVERAL = ['mail', 'calendar'].map((name) => ({
  name: `@acme/${name}-mcp`,
  path: `servers/${name}`,
  launch: {
    package: { registry: 'npm' as const, name: `@acme/${name}-mcp`, version: '1.0.0' },
    command: `${name}-mcp`,
    args: [],
    transport: 'stdio' as const,
  },
  confidence: 0.9,
  evidence: [],
}))

export const scenes: readonly Scene[] = [
  {
    name: 'set-up',
    path: '/setup#token=abc',
    answers: { ...stranger, getSetUp: () => ({ needed: true }) },
    ready: 'Make the owner account',
  },
  {
    name: 'set-up-without-link',
    path: '/',
    answers: { ...stranger, getSetUp: () => ({ needed: true }) },
    ready: 'Open the set-up link',
  },
  { name: 'set-up-done', path: '/setup', answers: stranger, ready: 'There is an owner account' },
  { name: 'sign-in', path: '/deployments', answers: stranger, ready: 'You come back' },
  {
    name: 'start',
    path: '/',
    ready: 'Examples',
    act: (page) => page.getByRole('button', { name: /Everything/ }).click(),
  },
  {
    name: 'start-snippet',
    path: '/',
    ready: 'Examples',
    act: async (page) => {
      await page.getByLabel('Source').fill(SNIPPET)
      await page.getByText('A configuration.').waitFor()
    },
  },
  {
    name: 'start-registry-down',
    path: '/',
    answers: { listRegistryServers: () => data.registryDown },
    ready: 'It did not answer',
    act: async (page) => {
      await page.getByRole('searchbox', { name: 'Search the registry' }).fill('xylophone')
      await page.getByText('No server fits', { exact: true }).waitFor()
    },
  },
  {
    name: 'start-import',
    path: '/',
    answers: {
      importDeployment: ({ body }) => {
        if (JSON.stringify(body).includes('tt_live')) {
          const message = 'Its endpoint lets everybody in, without a token or sign-in.'
          throw new CatwalkError('unconfirmed_warnings', message, {
            details: { warnings: [{ code: 'lets_everybody_in', message }] },
          })
        }
        throw new CatwalkError('missing_variable', 'It needs values that are not given.', {
          details: { missing: ['TICKTICK_ACCESS_TOKEN'] },
        })
      },
    },
    ready: 'Examples',
    act: async (page) => {
      await page.getByRole('button', { name: 'Import a file' }).click()
      const buffer = Buffer.from(JSON.stringify({ format: 'catwalk-deployment', secrets: {} }))
      await page
        .getByLabel('File')
        .setInputFiles({ name: 'ticktick.catwalk.json', mimeType: 'application/json', buffer })
      await page.getByRole('button', { name: 'Import', exact: true }).click()
      await page.getByLabel('TICKTICK_ACCESS_TOKEN').first().fill('tt_live_9f2c1188ab40de')
      await page.getByRole('button', { name: 'Import it so' }).click()
      await page.getByLabel('I know, import it all the same').waitFor()
    },
  },
  {
    name: 'start-registry-first',
    path: '/',
    answers: { listRegistryServers: () => data.registryFirst },
    ready: 'The registries are being read',
  },
  {
    name: 'start-registry-failed',
    path: '/',
    answers: {
      listRegistryServers: () => {
        throw new CatwalkError('forbidden', 'This needs another role.')
      },
    },
    ready: 'This needs another role.',
  },
  {
    name: 'start-looking',
    path: '/',
    answers: {
      startAnalysis: () => ({
        id: 'ana_1',
        source: 'acme/calendar-mcp',
        state: 'running' as const,
        steps: [
          { step: 'fetching' as const, detail: 'acme/calendar-mcp', startedAt: ago(5), endedAt: ago(4) },
          { step: 'reading' as const, detail: '214 files', startedAt: ago(4), endedAt: ago(3) },
          { step: 'looking_up' as const, detail: '@acme/calendar-mcp', startedAt: ago(3), endedAt: ago(2) },
          { step: 'booting' as const, detail: '@acme/calendar-mcp', startedAt: ago(2), endedAt: null },
        ],
        analysis: null,
        error: null,
      }),
    },
    ready: 'Examples',
    act: async (page) => {
      await page.getByLabel('Source').fill('acme/calendar-mcp')
      await page.getByRole('button', { name: 'Look inside' }).click()
      await page.locator('.steps li[aria-current]').waitFor()
    },
  },
  {
    name: 'start-refused',
    path: '/',
    answers: {
      createAnalysis: () => {
        throw new CatwalkError('invalid_package', 'Package "@evil/pkg; curl x" is not a valid npm name.')
      },
    },
    ready: 'Examples',
    act: async (page) => {
      await page.getByLabel('Source').fill('npm:@evil/pkg; curl x')
      await page.getByRole('button', { name: 'Look inside' }).click()
      await page.getByText('invalid_package').waitFor()
    },
  },
  {
    name: 'review',
    path: '/new?source=npm:ticktick-mcp',
    ready: 'How it runs',
    act: async (page) => {
      await page.getByLabel('Value of TICKTICK_ACCESS_TOKEN', { exact: true }).fill('tt_live_9f2c1188ab40de')
      await page.getByRole('button', { name: 'Add a variable' }).click()
      await page.getByText('How this is known').first().click()
      await page.getByText('1 optional setting').click()
      await page.getByLabel('Value of TICKTICK_REGION').selectOption('dida365.com')
    },
  },
  {
    name: 'review-several',
    path: '/new?source=acme/servers',
    answers: { createAnalysis: () => ({ ...data.analysis, candidates: SEVERAL }) },
    ready: 'Which server',
  },
  {
    name: 'review-no-server',
    path: '/new?source=acme/website',
    answers: {
      createAnalysis: () => ({
        ...data.analysis,
        verdict: 'not_a_server' as const,
        reason: 'Nothing in it speaks the Model Context Protocol.',
        launch: null,
        env: [],
        arguments: [],
        tools: [],
        proof: null,
      }),
    },
    ready: 'No server found',
  },
  {
    name: 'review-paste',
    path: '/new?source=npm:ticktick-mcp',
    ready: 'How it runs',
    act: async (page) => {
      await page.getByRole('button', { name: 'Paste .env' }).click()
      await page.getByLabel('Contents').fill('TOKEN=abc\nREGION=eu\nnot a line')
    },
  },
  { name: 'deployments', path: '/deployments', ready: 'Warehouse Postgres' },
  {
    name: 'deployments-empty',
    path: '/deployments',
    answers: { listDeployments: () => ({ items: [] }) },
    ready: 'Nothing deployed yet',
  },
  { name: 'deploying', path: '/deployments/grafana', ready: 'Deploying Grafana' },
  { name: 'failed', path: '/deployments/warehouse', ready: 'The fix' },
  { name: 'collections', path: '/collections', ready: 'One address and one token' },
  {
    name: 'collections-none',
    path: '/collections',
    answers: { listCollections: () => ({ items: [] }) },
    ready: 'No collection yet',
    act: async (page) => {
      await page.getByRole('button', { name: 'New collection' }).click()
      await page.getByLabel('Name').fill('Work')
      await page.getByLabel('TickTick').check()
    },
  },
  {
    name: 'collection',
    path: '/collections/work',
    ready: 'What is in it',
    act: async (page) => {
      await page.getByText('Endpoint tokens').waitFor()
      await page.getByRole('button', { name: 'Change the prefix of TickTick' }).click()
      await page.getByRole('textbox', { name: 'Prefix' }).fill('tasks')
    },
  },
  {
    name: 'export',
    path: '/deployments/ticktick',
    ready: 'Connect',
    act: async (page) => {
      await page.getByRole('button', { name: 'More actions' }).click()
      await page.getByRole('menuitem', { name: 'Export' }).click()
      await page.getByLabel('Take its values along, encrypted').check()
      await page.getByLabel('Passphrase').first().fill('correct horse battery')
    },
  },
  { name: 'overview', path: '/deployments/ticktick', ready: 'Connect' },
  {
    name: 'tools',
    path: '/deployments/ticktick/tools',
    ready: 'create_task',
    act: async (page) => {
      await page.getByRole('button', { name: /^create_task/ }).click()
      await page.getByLabel('Title').fill('Order filters for the heat pump')
      await page.getByRole('button', { name: 'Call tool' }).click()
      await page.getByText('Answered').first().waitFor()
    },
  },
  { name: 'logs', path: '/deployments/ticktick/logs', ready: 'Following' },
  {
    name: 'logs-searched',
    path: '/deployments/ticktick/logs',
    answers: { listLogs: () => ({ items: [], before: '7' }) },
    ready: 'Following',
    act: async (page) => {
      await page.getByLabel('Search the log').fill('nothing like this')
      await page.getByText('No line so far. Look at earlier lines.').waitFor()
    },
  },
  {
    name: 'deployment-usage',
    path: '/deployments/ticktick/usage',
    ready: 'GiB-hours',
    act: async (page) => {
      await page.getByText('Show as a table').first().click()
      await page.getByRole('table', { name: /Calls per/ }).waitFor()
    },
  },
  {
    name: 'usage',
    path: '/usage',
    ready: '2 used, of 20',
    act: async (page) => {
      await page.getByRole('button', { name: 'Change' }).click()
      await page.getByLabel('Calls a minute').fill('many')
      await page.getByText('A whole number, or nothing.').waitFor()
    },
  },
  {
    name: 'usage-nothing',
    path: '/usage',
    answers: {
      getUsage: () => ({ ...data.usage, total: { ...data.usage.total, calls: 0 }, groups: [] }),
      getCost: () => ({ ...data.cost, items: [] }),
    },
    ready: 'Nobody called',
  },
  {
    name: 'releases',
    path: '/deployments/ticktick/releases',
    ready: 'Serves the endpoint',
  },
  { name: 'access', path: '/deployments/ticktick/access', ready: 'Clients send an endpoint token.' },
  {
    name: 'access-signed-in',
    path: '/deployments/ticktick/access',
    answers: { getSettings: () => ({ ...data.settings, access: 'both' }) },
    ready: 'Connected clients',
  },
  {
    name: 'access-signed-in-nobody',
    path: '/deployments/ticktick/access',
    answers: {
      getSettings: () => ({ ...data.settings, access: 'oauth' }),
      listConnections: () => ({ items: [] }),
    },
    ready: 'No client is connected',
  },
  {
    name: 'access-checked',
    path: '/deployments/ticktick/access',
    answers: { getSettings: () => ({ ...data.settings, access: 'both' }) },
    ready: 'Try it before they do',
    act: async (page) => {
      await page.getByRole('button', { name: 'Check', exact: true }).click()
      await page.getByText('stops at: reach it from the internet').waitFor()
      await page.getByText('finds its way').click()
    },
  },
  {
    name: 'access-client',
    path: '/deployments/ticktick/access',
    answers: {
      getSettings: () => ({ ...data.settings, access: 'oauth' }),
      listOAuthClients: () => ({ items: [] }),
      createOAuthClient: () => ({
        id: 'cli_01jz8w0000e5n9vj2q4yk7m3ab',
        name: 'Reports',
        redirectUris: ['https://reports.example/callback'],
        hasSecret: true,
        createdAt: new Date().toISOString(),
        secret: 'cws_gq3Zk0w8Jm5vXn2bT7yLr4sPd9fHc1aEu6iOoBxKtMz',
      }),
    },
    ready: 'None is needed for most clients',
    act: async (page) => {
      await page.getByRole('button', { name: 'Make one' }).click()
      await page.getByRole('textbox', { name: 'Name' }).fill('Reports')
      await page.getByRole('textbox', { name: 'Redirect addresses' }).fill('https://reports.example/callback')
      await page.getByRole('button', { name: 'Make it' }).click()
      await page.getByText('I have saved it').waitFor()
    },
  },
  {
    name: 'access-token-personal',
    path: '/deployments/ticktick/access',
    answers: { getDeployment: () => data.personalDeployment },
    ready: 'Endpoint tokens',
    act: async (page) => {
      await page.getByRole('button', { name: 'Add a token' }).click()
      await page.getByText('It calls with your own credentials').waitFor()
    },
  },
  {
    name: 'your-credentials',
    path: '/your-credentials?deployment=dep_linear',
    answers: { listOwnCredentials: () => ({ items: data.ownCredentials }) },
    ready: 'It cannot work for you yet',
  },
  {
    name: 'your-credentials-none',
    path: '/your-credentials',
    ready: 'Nothing asks for credentials of yours',
  },
  {
    name: 'overview-bring',
    path: '/deployments/ticktick',
    answers: {
      getDeployment: () => data.personalDeployment,
      listOwnCredentials: () => ({ items: data.ownCredentials }),
    },
    ready: 'It needs your own credentials',
  },
  {
    name: 'overview-reconnect',
    path: '/deployments/ticktick',
    answers: {
      getDeployment: () => data.accountDeployment,
      listAccounts: () => ({ items: data.accounts }),
    },
    ready: 'google must be connected again',
  },
  {
    name: 'access-accounts',
    path: '/deployments/ticktick/access',
    answers: {
      getDeployment: () => data.accountDeployment,
      listAccounts: () => ({ items: data.accounts }),
    },
    ready: 'Accounts at other services',
  },
  {
    name: 'account-connected',
    path: '/accounts/callback?state=x&code=y',
    answers: {
      finishAccount: () => ({
        deployment: { id: 'dep_ticktick', slug: 'ticktick', name: 'TickTick' },
        provider: 'google',
        own: true,
      }),
    },
    ready: 'TickTick works with google now',
  },
  {
    name: 'account-refused',
    path: '/accounts/callback?state=x&error=access_denied',
    answers: {
      finishAccount: () => {
        throw new CatwalkError('account_refused', 'google did not give a token: access_denied.')
      },
    },
    ready: 'google did not give a token: access_denied.',
  },
  {
    name: 'provider-add',
    path: '/settings',
    ready: 'Services for accounts',
    act: async (page) => {
      await page.getByRole('button', { name: 'Add a service' }).click()
      await page.getByRole('combobox', { name: 'Service' }).selectOption('other')
    },
  },
  {
    name: 'consent-bring',
    path: '/consent?request=x',
    answers: { listOwnCredentials: () => ({ items: data.ownCredentials }) },
    ready: 'It works with your own credentials',
  },
  { name: 'consent', path: '/consent?request=x', ready: 'Connect Claude?' },
  {
    name: 'consent-own-machine',
    path: '/consent?request=x',
    answers: { lookAtAuthorization: () => data.riskyQuestion },
    ready: 'It says that it is a program on your machine',
  },
  {
    name: 'consent-expired',
    path: '/consent?request=x',
    answers: {
      lookAtAuthorization: () => {
        throw new CatwalkError('authorization_expired', 'This request of the client has expired.')
      },
    },
    ready: 'This request of the client has expired.',
  },
  { name: 'consent-without-request', path: '/consent', ready: 'Start in your client' },
  {
    name: 'access-public',
    path: '/deployments/ticktick/access',
    answers: { getSettings: () => ({ ...data.settings, access: 'public' }) },
    ready: 'Everybody may call this endpoint',
  },
  {
    name: 'access-new',
    path: '/deployments/ticktick/access',
    ready: 'Endpoint tokens',
    act: async (page) => {
      await page.getByRole('button', { name: 'Add a token' }).click()
      await page.getByRole('textbox', { name: 'Name' }).fill('Ana’s laptop')
      await page.getByRole('button', { name: 'Make the token' }).click()
      await page.getByText('I have saved it').waitFor()
    },
  },
  { name: 'join', path: '/join#token=abc', answers: stranger, ready: 'Make an account and join' },
  { name: 'join-signed-in', path: '/join#token=abc', ready: 'Join as' },
  {
    name: 'join-used',
    path: '/join#token=abc',
    answers: {
      lookAtInvitation: () => {
        throw new CatwalkError('invitation_invalid', 'This invitation was used or has expired.')
      },
    },
    ready: 'invitation_invalid',
  },
  { name: 'reset-password', path: '/reset-password#token=abc', answers: stranger, ready: 'Set it' },
  { name: 'members', path: '/members', ready: 'bo@fjordworks.example' },
  {
    name: 'invite',
    path: '/members',
    ready: 'bo@fjordworks.example',
    act: async (page) => {
      await page.getByRole('button', { name: 'Invite' }).click()
      await page.getByRole('button', { name: 'Make the link' }).click()
      await page.getByText('Send this link').waitFor()
    },
  },
  { name: 'api-keys', path: '/keys', ready: 'deploy script' },
  {
    name: 'api-key-new',
    path: '/keys',
    ready: 'deploy script',
    act: (page) => page.getByRole('button', { name: 'Make a key' }).click(),
  },
  { name: 'account', path: '/account', ready: 'Blue key' },
  {
    name: 'account-bare',
    path: '/account',
    answers: {
      getSignInWays: () => ({
        ...data.signInWays,
        hasPassword: false,
        passkeys: [],
        secondFactor: { enabled: false, recoveryCodesLeft: 0 },
      }),
    },
    ready: 'Set up one-time codes',
  },
  {
    name: 'account-enrol',
    path: '/account',
    answers: {
      getSignInWays: () => ({
        ...data.signInWays,
        secondFactor: { enabled: false, recoveryCodesLeft: 0 },
      }),
    },
    ready: 'Set up one-time codes',
    act: async (page) => {
      await page.getByRole('button', { name: 'Set up one-time codes' }).click()
      await page.getByLabel('Your current password').fill('correct horse battery')
      await page.getByRole('button', { name: 'Go on' }).click()
      await page.getByText('Scan this with your app').waitFor()
    },
  },
  {
    name: 'account-recovery-codes',
    path: '/account',
    ready: 'New recovery codes',
    act: async (page) => {
      await page.getByRole('button', { name: 'New recovery codes' }).click()
      await page.getByLabel('Your current password').fill('correct horse battery')
      await page.getByRole('button', { name: 'Make new ones' }).click()
      await page.getByText('I have saved them').waitFor()
    },
  },
  {
    name: 'sign-in-code',
    path: '/sign-in?step=code',
    answers: stranger,
    ready: 'The one that your authenticator app shows now',
  },
  {
    name: 'sign-in-refused-by-provider',
    path: '/sign-in?error=account_not_linked',
    answers: stranger,
    ready: 'Go on with GitHub',
  },
  { name: 'forgot-password', path: '/forgot-password', answers: stranger, ready: 'Send the link' },
  { name: 'verify-email', path: '/verify-email#token=abc', answers: stranger, ready: 'Confirm it' },
  { name: 'sign-up', path: '/sign-up', answers: stranger, ready: 'Make the account' },
  {
    name: 'sign-up-closed',
    path: '/sign-up',
    answers: { ...stranger, getSignUp: () => ({ ...data.signUp, mode: 'invitation' as const }) },
    ready: 'Accounts are not open to all here',
  },
  { name: 'device', path: '/device', ready: 'Code that the terminal shows' },
  { name: 'device-waiting', path: '/device?code=BCDF-GHJK', ready: 'Compare the code' },
  {
    name: 'device-unknown',
    path: '/device?code=BCDF-GHJK',
    answers: {
      lookAtDeviceLogin: () => {
        throw new CatwalkError('device_login_invalid', 'There is no login with this code that waits.')
      },
    },
    ready: 'device_login_invalid',
  },
  {
    name: 'doctor',
    path: '/doctor',
    ready: 'Package registry',
    act: async (page) => {
      await page.getByText('Encrypts').waitFor()
      await page.getByRole('button', { name: 'Verify' }).click()
      await page.getByText('214 entries hold').waitFor()
    },
  },
  { name: 'workspace-settings', path: '/settings', ready: 'octocat' },
  {
    name: 'notices-none',
    path: '/settings',
    answers: { listNoticeChannels: () => ({ items: [] }) },
    ready: 'Nobody is told anything yet',
    act: async (page) => {
      await page.getByRole('button', { name: 'Add an address' }).click()
      await page.getByLabel('URL').fill('https://hooks.example.com/x')
    },
  },
  {
    name: 'notices-secret',
    path: '/settings',
    ready: 'hooks.example.com',
    act: async (page) => {
      await page.getByRole('button', { name: 'Add an address' }).click()
      await page.getByLabel('URL').fill('https://hooks.example.com/x')
      await page.getByRole('button', { name: 'Add it' }).click()
      await page.getByText('It is shown only now.').waitFor()
    },
  },
  {
    name: 'workspace-settings-change',
    path: '/settings',
    answers: {
      changeWorkspaceSettings: () => {
        throw new CatwalkError('service_key_refused', 'Fly knows no app of this name that the token may use.')
      },
    },
    ready: 'octocat',
    act: async (page) => {
      await page.getByRole('button', { name: 'Set Fly' }).click()
      await page.getByLabel('Deploy token', { exact: true }).fill('fo1_token')
      await page.getByLabel('App', { exact: true }).fill('nothing')
      await page.getByRole('button', { name: 'Check and save' }).click()
      await page.getByText('service_key_refused').waitFor()
    },
  },
  {
    name: 'workspace-settings-paste',
    path: '/settings',
    ready: 'octocat',
    act: async (page) => {
      await page.getByRole('button', { name: 'Paste .env' }).click()
      await page.getByLabel('Contents').fill('NPM_TOKEN=npm_x\nUNRELATED=1')
      await page.getByRole('button', { name: 'Take 2 variables' }).click()
      await page.getByText('all of them or none').waitFor()
    },
  },
  { name: 'audit', path: '/audit', ready: 'endpoint_token.create' },
  { name: 'calls', path: '/calls', ready: 'create_task' },
  {
    name: 'calls-none',
    path: '/calls?outcome=failed',
    answers: { listCalls: () => ({ items: [], before: null }) },
    ready: 'No such call',
  },
  {
    name: 'audit-empty',
    path: '/audit?outcome=failed',
    answers: { listAudit: () => ({ items: [] }) },
    ready: 'Nothing like this',
  },
  {
    name: 'token-limits',
    path: '/deployments/ticktick/access',
    ready: 'Endpoint tokens',
    act: async (page) => {
      await page.getByRole('button', { name: 'Limits of first' }).click()
      await page.getByLabel('Calls at once, at most').fill('none')
      await page.getByText('A whole number from 1, or nothing.').waitFor()
    },
  },
  {
    name: 'replace-token',
    path: '/deployments/ticktick/access',
    ready: 'Endpoint tokens',
    act: async (page) => {
      await page.getByRole('button', { name: 'Replace first' }).click()
      await page.getByText('The old one works on for').first().waitFor()
    },
  },
  {
    name: 'releases-to-go-back-to',
    path: '/deployments/ticktick/releases',
    answers: {
      getDeployment: () => data.updated,
      listReleases: () => ({ items: data.releases }),
      getUpdate: () => data.update,
    },
    ready: 'Version 1.5.0 is available',
    act: async (page) => {
      await page.getByText('What changed since v1').first().click()
      await page.getByText('Tool add_task').waitFor()
    },
  },
  {
    name: 'update-that-does-not-start',
    path: '/deployments/ticktick/releases',
    answers: {
      getUpdate: () => ({
        ...data.update,
        deprecated: 'Use ticktick-next.',
        trial: {
          ...data.update.trial,
          works: false,
          message: 'The server ended with code 1.',
          tools: { added: [], removed: [], changed: [] },
          requires: [],
        },
      }),
    },
    ready: 'It did not start when it was tried out',
  },
  {
    name: 'release-change',
    path: '/deployments/ticktick/settings',
    ready: 'Delete it for good',
    act: async (page) => {
      await page.getByRole('button', { name: 'Change it' }).click()
      await page.getByRole('button', { name: 'Add a variable' }).click()
      await page.getByLabel('Name of new variable 1').fill('NOT A NAME')
      await page.getByRole('button', { name: 'Make the release' }).click()
      await page.getByText('Letters, digits and underscores').waitFor()
    },
  },
  { name: 'settings', path: '/deployments/ticktick/settings', ready: 'Delete it for good' },
  {
    name: 'delete',
    path: '/deployments/ticktick/settings',
    ready: 'Delete it for good',
    act: (page) => page.getByRole('button', { name: 'Delete', exact: true }).click(),
  },
  { name: 'stopped', path: '/deployments/notion', ready: 'It was stopped' },
  { name: 'unhealthy', path: '/deployments/slack', ready: 'Unhealthy' },
  {
    name: 'no-sandbox',
    path: '/deployments',
    answers: { getInstallation: () => data.withoutSandbox },
    ready: 'Servers cannot be started',
  },
  { name: 'gone', path: '/deployments/nothing', ready: 'There is no such deployment' },
  { name: 'not-found', path: '/nowhere/at/all', ready: 'There is no such page' },
]
