import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import {
  CatwalkError,
  newId,
  PROVIDER_PRESETS,
  quoted,
  Secret,
  type ProviderDescription,
} from '../../domain/index.ts'
import type { Vault } from '../../vault/index.ts'
import type { ServiceContext } from '../context.ts'

type Provider = RouteOutput<'putAccountProvider'>
type Wish = ParsedInput<'putAccountProvider'>['body']

const MAX_PROVIDERS = 50
/** Ours; nobody can have them say something else. */
const RESERVED = new Set([
  'client_id',
  'client_secret',
  'code_challenge',
  'code_challenge_method',
  'redirect_uri',
  'response_type',
  'scope',
  'state',
])

/** Where providers send browsers back to: one path for all, so that it can be registered once. */
export function redirectUri(publicUrl: string): string {
  return `${publicUrl}/accounts/callback`
}

export function providerScope(id: string): string {
  return `account provider/${id}`
}

/** The providers of the workspace, by name. */
export async function listAccountProviders(
  ctx: ServiceContext,
): Promise<RouteOutput<'listAccountProviders'>> {
  const rows = await queries.listAccountProviders(ctx.db, ctx.actor.workspaceId)
  return { items: await Promise.all(rows.map(async (row) => present(ctx, row))) }
}

/**
 * Adds a provider, or changes the one of the same name. Its token endpoint must be https on the public internet, or of
 * an origin that the operator trusts.
 * @throws CatwalkError `invalid_request`, `service_unreachable`, `account_provider_in_use`
 */
export async function putAccountProvider(
  ctx: ServiceContext,
  { body }: ParsedInput<'putAccountProvider'>,
): Promise<Provider> {
  const { workspaceId } = ctx.actor
  const all = await queries.listAccountProviders(ctx.db, workspaceId)
  const former = all.find(({ name }) => name === body.name)
  if (former === undefined && all.length >= MAX_PROVIDERS) {
    throw new CatwalkError('invalid_request', `A workspace has at most ${MAX_PROVIDERS} providers.`)
  }
  const described = describe(body)
  for (const url of [described.tokenUrl, described.authorizationUrl, described.revocationUrl ?? []].flat())
    await ctx.tokenEndpoints.check(url, ctx.signal)
  if (former !== undefined && goesElsewhere(described, former)) await requireUnused(ctx.db, former)
  const id = former?.id ?? newId('accountProvider')
  const secret = secretOf(ctx.vault, body, described, former)
  const { token, keyId } = ctx.vault.encrypt(providerScope(id), secret)
  const row: queries.AccountProviderRow = {
    id,
    workspace_id: workspaceId,
    name: body.name,
    authorization_url: described.authorizationUrl,
    token_url: described.tokenUrl,
    revocation_url: described.revocationUrl,
    issuer: described.issuer,
    scopes: described.scopes,
    parameters: described.parameters,
    client_id: body.clientId,
    auth_method: described.authMethod,
    token,
    key_id: keyId,
  }
  await ctx.db.transaction().execute(async (tx) => {
    await queries.putAccountProvider(tx, row)
    await queries.recordAudit(tx, {
      actor: ctx.actor,
      action: former === undefined ? 'account_provider.create' : 'account_provider.change',
      target: id,
      detail: { name: body.name, tokenUrl: row.token_url, authorizationUrl: row.authorization_url },
    })
  })
  return present(ctx, row)
}

/** @throws CatwalkError `account_provider_not_found`, `account_provider_in_use` */
export async function deleteAccountProvider(
  ctx: ServiceContext,
  { params }: ParsedInput<'deleteAccountProvider'>,
): Promise<null> {
  return ctx.db.transaction().execute(async (tx) => {
    const row = await findProvider(tx, ctx.actor.workspaceId, params.provider)
    await requireUnused(tx, row)
    await queries.deleteAccountProvider(tx, row.id)
    await queries.recordAudit(tx, {
      actor: ctx.actor,
      action: 'account_provider.delete',
      target: row.id,
      detail: { name: row.name },
    })
    return null
  })
}

/** What members have connected is not sent to another address, nor forgotten, by whoever may change providers. */
async function requireUnused(db: queries.Handle, row: queries.AccountProviderRow): Promise<void> {
  const count = await queries.countAccountsOf(db, row.id)
  if (count === 0) return
  const text = `${count} ${count === 1 ? 'account is' : 'accounts are'} connected by way of ${row.name}.`
  throw new CatwalkError('account_provider_in_use', text)
}

/** @throws CatwalkError `account_provider_not_found` */
export async function findProvider(
  db: queries.Handle,
  workspaceId: string,
  idOrName: string,
): Promise<queries.AccountProviderRow> {
  const [row] = await queries.listAccountProviders(db, workspaceId, idOrName)
  if (row !== undefined) return row
  throw new CatwalkError(
    'account_provider_not_found',
    `There is no provider ${quoted(idOrName)} of accounts.`,
  )
}

function describe(body: Wish): ProviderDescription {
  const preset: ProviderDescription | null = body.preset === undefined ? null : PROVIDER_PRESETS[body.preset]
  const authorizationUrl = body.authorizationUrl ?? preset?.authorizationUrl
  const tokenUrl = body.tokenUrl ?? preset?.tokenUrl
  if (authorizationUrl === undefined || tokenUrl === undefined) {
    const field = authorizationUrl === undefined ? 'authorizationUrl' : 'tokenUrl'
    throw new CatwalkError('invalid_request', `${field} is missing.`, {
      help: 'Give the addresses of both endpoints, or a preset that knows them.',
      details: { field },
    })
  }
  const revocationUrl =
    body.revocationUrl === undefined ? (preset?.revocationUrl ?? null) : body.revocationUrl
  for (const [field, text] of [
    ['authorizationUrl', authorizationUrl],
    ['tokenUrl', tokenUrl],
    ['revocationUrl', revocationUrl],
  ] as const) {
    if (text === null) continue
    const url = new URL(text)
    if (url.username === '' && url.password === '' && url.hash === '') continue
    const message = `${field} has a password or a fragment.`
    throw new CatwalkError('invalid_request', message, { details: { field } })
  }
  const parameters = body.parameters ?? preset?.parameters ?? {}
  const reserved = Object.keys(parameters).find((name) => RESERVED.has(name))
  if (reserved !== undefined) {
    throw new CatwalkError('invalid_request', `The parameter ${reserved} is set by Catwalk.`, {
      details: { field: 'parameters' },
    })
  }
  return {
    authorizationUrl,
    tokenUrl,
    revocationUrl,
    parameters,
    issuer: body.issuer === undefined ? (preset?.issuer ?? null) : body.issuer,
    scopes: body.scopes ?? preset?.scopes ?? [],
    authMethod: body.authMethod ?? preset?.authMethod ?? 'client_secret_post',
  }
}

/** Whether secrets and tokens would be sent where they were not sent before. */
function goesElsewhere(
  { tokenUrl, revocationUrl }: ProviderDescription,
  former: queries.AccountProviderRow,
): boolean {
  const known = [former.token_url, former.revocation_url]
  return tokenUrl !== former.token_url || (revocationUrl !== null && !known.includes(revocationUrl))
}

/** A former secret goes on only to where it went before: nobody gets it sent to an address of their own. */
function secretOf(
  vault: Vault,
  body: Wish,
  described: ProviderDescription,
  former: queries.AccountProviderRow | undefined,
): Secret {
  if (described.authMethod === 'none') return new Secret('')
  if (body.clientSecret !== undefined && body.clientSecret !== '') return new Secret(body.clientSecret)
  if (former !== undefined && !goesElsewhere(described, former) && former.auth_method !== 'none') {
    return vault.decrypt(providerScope(former.id), former.token, former.key_id)
  }
  throw new CatwalkError('invalid_request', 'The client secret is missing.', {
    help: 'Give it again when an address that it is sent to changes; leave it out only with authMethod "none".',
    details: { field: 'clientSecret' },
  })
}

async function present(ctx: ServiceContext, row: queries.AccountProviderRow): Promise<Provider> {
  return {
    id: row.id,
    name: row.name,
    authorizationUrl: row.authorization_url,
    tokenUrl: row.token_url,
    revocationUrl: row.revocation_url,
    issuer: row.issuer,
    scopes: [...row.scopes],
    parameters: { ...row.parameters },
    clientId: row.client_id,
    authMethod: row.auth_method,
    redirectUri: redirectUri(ctx.publicUrl),
    accounts: await queries.countAccountsOf(ctx.db, row.id),
  }
}
