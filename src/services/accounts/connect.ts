import { createHash, randomBytes } from 'node:crypto'
import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import { atLeast, CatwalkError, newId, quoted, Secret, type Role } from '../../domain/index.ts'
import type { Vault } from '../../vault/index.ts'
import type { ServiceContext } from '../context.ts'
import { retryFailedRelease } from '../deployments/change.ts'
import { findProvider, redirectUri } from './providers.ts'
import { sourcesOf, timesOf, writeValue } from './store.ts'
import { askForTokens, refusedBy, sealTokens, TokenRefusal } from './tokens.ts'

/** Time to sign in at the provider and come back. */
const ATTEMPT_MS = 10 * 60_000
const SCOPE = 'account attempt'
const VERIFIER_BYTES = 32

/** A browser that went away to a provider, sealed into `state`. */
interface Attempt {
  readonly nonce: string
  readonly deploymentId: string
  readonly workspaceId: string
  readonly name: string
  readonly providerId: string
  /** Whose account it will be; null: everybody's. */
  readonly person: string | null
  readonly actorId: string
  readonly sessionId: string
  readonly expiresAtMs: number
}

type InSession = ServiceContext & { readonly sessionId: string | null }

/** A deployment in any workspace that the person is in, so that the consent page can ask as well. */
interface Place {
  readonly id: string
  readonly slug: string
  readonly name: string
  readonly workspaceId: string
  readonly role: Role
}

/**
 * Begins to connect an account: the address of the provider's authorization endpoint, with PKCE (RFC 7636) and a `state`
 * that only this session of the browser can come back with.
 * @throws CatwalkError `deployment_not_found`, `account_not_wanted`, `account_provider_not_found`, `forbidden`
 */
export async function startAccount(
  ctx: InSession,
  { params }: ParsedInput<'startAccount'>,
): Promise<RouteOutput<'startAccount'>> {
  const sessionId = requireSession(ctx)
  const place = await placeOf(ctx, params.id)
  const { accounts, personal } = await sourcesOf(ctx.db, place.id)
  const source = accounts[params.name]
  if (source === undefined) throw notWanted(params.name)
  const isOwn = personal.has(params.name)
  if (!isOwn) requireMember(place)
  const provider = await findProvider(ctx.db, place.workspaceId, source.provider)
  const attempt: Attempt = {
    nonce: randomBytes(16).toString('base64url'),
    deploymentId: place.id,
    workspaceId: place.workspaceId,
    name: params.name,
    providerId: provider.id,
    person: isOwn ? ctx.actor.id : null,
    actorId: ctx.actor.id,
    sessionId,
    expiresAtMs: ctx.clock.now().getTime() + ATTEMPT_MS,
  }
  const url = new URL(provider.authorization_url)
  const challenge = createHash('sha256').update(verifierOf(ctx.vault, attempt)).digest('base64url')
  for (const [name, value] of Object.entries({
    ...provider.parameters,
    response_type: 'code',
    client_id: provider.client_id,
    redirect_uri: redirectUri(ctx.publicUrl),
    ...(provider.scopes.length === 0 ? {} : { scope: provider.scopes.join(' ') }),
    state: sealAttempt(ctx.vault, attempt),
    code_challenge: challenge,
    code_challenge_method: 'S256',
  }))
    url.searchParams.set(name, value)
  return { url: url.href }
}

/**
 * Redeems what a browser comes back with, and keeps it in the vault. Only the session that left may come back, and only
 * from the provider that it was sent to.
 * @throws CatwalkError `account_attempt_invalid`, `account_refused`, `service_unreachable`, `deployment_not_found`
 */
export async function finishAccount(
  ctx: InSession,
  { body }: ParsedInput<'finishAccount'>,
): Promise<RouteOutput<'finishAccount'>> {
  const attempt = openAttempt(ctx, body.state)
  const place = await placeOf(ctx, attempt.deploymentId)
  const { accounts, personal } = await sourcesOf(ctx.db, place.id)
  const source = accounts[attempt.name]
  const isOwn = personal.has(attempt.name)
  // The owner may have changed it in the meantime: nothing of one person becomes everybody's by that.
  if (source === undefined || isOwn !== (attempt.person !== null)) throw notWanted(attempt.name)
  if (!isOwn) requireMember(place)
  const provider = await findProvider(ctx.db, place.workspaceId, attempt.providerId)
  if (source.provider !== provider.id) throw notWanted(attempt.name)
  const expected = provider.issuer ?? new URL(provider.authorization_url).origin
  if (body.iss !== undefined && body.iss !== expected) {
    throw new CatwalkError(
      'account_attempt_invalid',
      `The answer is of another service than ${provider.name}.`,
    )
  }
  if (body.code === undefined || body.error !== undefined) {
    const word = /^[\w.-]{1,60}$/.test(body.error ?? '') ? (body.error ?? '') : 'no code'
    throw refusedBy(provider.name, new TokenRefusal(word, true))
  }
  const grant = {
    grant_type: 'authorization_code',
    code: body.code,
    redirect_uri: redirectUri(ctx.publicUrl),
    code_verifier: verifierOf(ctx.vault, attempt),
  }
  const tokens = await askForTokens(ctx.tokenEndpoints, ctx.vault, provider, grant, ctx.signal).catch(
    (error: unknown) => {
      throw error instanceof TokenRefusal ? refusedBy(provider.name, error) : error
    },
  )
  const id = newId('connectedAccount')
  const account = {
    id,
    workspace_id: place.workspaceId,
    deployment_id: place.id,
    user_id: attempt.person,
    name: attempt.name,
    provider_id: provider.id,
  }
  await ctx.db.transaction().execute(async (tx) => {
    const deployment = await queries.lockDeployment(tx, place.workspaceId, place.id)
    await queries.putConnectedAccount(tx, {
      ...account,
      ...sealTokens(ctx.vault, id, tokens),
      ...timesOf(ctx.clock, tokens),
      connected_by: ctx.actor.id,
    })
    await writeValue(tx, ctx.vault, account, source, tokens, false)
    // What waited for it is tried again by itself.
    if (!isOwn && (await queries.newestRelease(tx, place.id)).error?.code === 'account_needed') {
      await queries.setDesired(tx, place.id, 'running')
      await retryFailedRelease(tx, ctx, deployment)
    }
    await queries.insertEvent(tx, {
      workspaceId: place.workspaceId,
      deploymentId: place.id,
      releaseId: null,
      kind: 'account.connected',
      message: isOwn
        ? `A member connected their account at ${provider.name}.`
        : `${ctx.actor.label} connected an account at ${provider.name} for ${attempt.name}.`,
    })
    await queries.recordAudit(tx, {
      actor: { ...ctx.actor, workspaceId: place.workspaceId },
      action: 'account.connect',
      target: place.id,
      detail: { name: attempt.name, provider: provider.name, own: isOwn },
    })
    await queries.announce(tx, 'deployment', place.id)
  })
  const { slug, name } = place
  return { deployment: { id: place.id, slug, name }, provider: provider.name, own: isOwn }
}

/**
 * Forgets an account: the caller's own, or the one for everybody. Its service is asked to end the tokens.
 * @throws CatwalkError `deployment_not_found`, `account_not_wanted`, `forbidden`
 */
export async function disconnectAccount(
  ctx: ServiceContext,
  { params }: ParsedInput<'disconnectAccount'>,
): Promise<null> {
  const place = await placeOf(ctx, params.id)
  const { accounts, personal } = await sourcesOf(ctx.db, place.id)
  const isOwn =
    accounts[params.name] === undefined
      ? await isLeftOfTheirs(ctx, place, params.name)
      : personal.has(params.name)
  if (!isOwn) requireMember(place)
  const person = isOwn ? ctx.actor.id : null
  await ctx.db.transaction().execute(async (tx) => {
    await queries.lockDeployment(tx, place.workspaceId, place.id)
    await queries.deleteConnectedAccounts(tx, place.id, person, params.name)
    await queries.deletePersonalCredentials(tx, { deploymentId: place.id, userId: person, name: params.name })
    if (!isOwn) await queries.restartIfRunning(tx, place.id)
    await queries.recordAudit(tx, {
      actor: { ...ctx.actor, workspaceId: place.workspaceId },
      action: 'account.disconnect',
      target: place.id,
      detail: { name: params.name, own: isOwn },
    })
    await queries.announce(tx, 'deployment', place.id)
  })
  return null
}

/**
 * Whether an account that no release works with any more is the caller's own, or everybody's.
 * @throws CatwalkError `account_not_wanted` when there is neither
 */
async function isLeftOfTheirs({ db, actor }: ServiceContext, { id }: Place, name: string): Promise<boolean> {
  for (const person of [actor.id, null]) {
    const accounts = await queries.listConnectedAccounts(db, id, person)
    if (accounts.some((account) => account.name === name)) return person !== null
  }
  throw notWanted(name)
}

async function placeOf({ db, actor }: ServiceContext, idOrSlug: string): Promise<Place> {
  const found = await queries.findForMember(db, idOrSlug, actor)
  if (found !== null) return found
  throw new CatwalkError('deployment_not_found', `There is no deployment ${quoted(idOrSlug)} of yours.`)
}

function requireMember({ role }: Place): void {
  if (atLeast(role, 'member')) return
  throw new CatwalkError('forbidden', 'Viewers connect no accounts that serve everybody.')
}

function requireSession({ actor, sessionId }: InSession): string {
  if (actor.kind === 'user' && sessionId !== null) return sessionId
  throw new CatwalkError(
    'forbidden',
    'An account is connected in the browser, by somebody who is signed in.',
    {
      help: 'Open the deployment in the dashboard and connect it there.',
    },
  )
}

function notWanted(name: string): CatwalkError {
  return new CatwalkError('account_not_wanted', `${quoted(name)} does not come from an account there.`)
}

/** Made again from what only we know, so that it is kept nowhere. */
function verifierOf(vault: Vault, { nonce }: Attempt): string {
  return vault.derive(`account pkce/${nonce}`, VERIFIER_BYTES).toString('base64url')
}

function sealAttempt(vault: Vault, attempt: Attempt): string {
  const { token, keyId } = vault.encrypt(SCOPE, new Secret(JSON.stringify(attempt)))
  return `${keyId}.${token}`
}

/** @throws CatwalkError `account_attempt_invalid` */
function openAttempt(ctx: InSession, state: string): Attempt {
  const { actor, sessionId, clock, vault } = ctx
  const dot = state.indexOf('.')
  let attempt: Attempt
  try {
    // Sealed by sealAttempt.
    attempt = JSON.parse(vault.decrypt(SCOPE, state.slice(dot + 1), state.slice(0, dot)).reveal()) as Attempt
  } catch (cause) {
    throw new CatwalkError('account_attempt_invalid', 'Nobody here asked for that answer.', { cause })
  }
  if (attempt.sessionId !== sessionId || attempt.actorId !== actor.id) {
    throw new CatwalkError('account_attempt_invalid', 'Another session of a browser began that.')
  }
  if (attempt.expiresAtMs > clock.now().getTime()) return attempt
  throw new CatwalkError('account_attempt_invalid', 'That took too long.')
}
