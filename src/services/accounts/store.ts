import { queries } from '../../db/index.ts'
import { injected, refreshTimes, type AccountSource, type Clock } from '../../domain/index.ts'
import type { Vault } from '../../vault/index.ts'
import { storePersonalCredentials } from '../credentials.ts'
import type { AccountTokens } from './tokens.ts'

/** Writes the value that servers get of an account, and has those that run get it. */
export async function writeValue(
  tx: queries.Handle,
  vault: Vault,
  account: Pick<queries.ConnectedAccountRow, 'workspace_id' | 'deployment_id' | 'user_id' | 'name'>,
  { template }: AccountSource,
  tokens: AccountTokens,
  isRenewed: boolean,
): Promise<void> {
  await storePersonalCredentials(
    tx,
    vault,
    {
      workspaceId: account.workspace_id,
      deploymentId: account.deployment_id,
      person: account.user_id,
    },
    [[account.name, injected(template, tokens.accessToken.reveal())]],
    isRenewed,
  )
  // The processes of one person are looked after by the instance itself.
  if (account.user_id === null) await queries.restartIfRunning(tx, account.deployment_id)
}

/** When a token runs out and is to be renewed, as columns. */
export function timesOf(
  clock: Clock,
  { expiresInSeconds }: AccountTokens,
): { readonly expires_at: Date | null; readonly refresh_at: Date | null } {
  const { expiresAt, refreshAt } = refreshTimes(clock.now(), expiresInSeconds)
  return { expires_at: expiresAt, refresh_at: refreshAt }
}

/** What the newest release says of where its credentials come from. */
export async function sourcesOf(
  db: queries.Handle,
  deploymentId: string,
): Promise<{
  readonly accounts: Readonly<Record<string, AccountSource>>
  readonly personal: ReadonlySet<string>
}> {
  const { settings } = await queries.newestRelease(db, deploymentId)
  return { accounts: settings.accounts ?? {}, personal: new Set(settings.personal) }
}
