import type { queries } from '../../db/index.ts'
import { providerScope } from '../accounts/providers.ts'
import { accountScope } from '../accounts/tokens.ts'
import { credentialScope, personalCredentialScope } from '../credentials.ts'
import { noticeScope } from '../notices/address.ts'
import { workspaceSettingScope } from '../workspace-settings/open.ts'

/** How a row's ciphertext is bound to it. */
export const SEAL_SCOPES: Readonly<Record<queries.SealedTable, (id: string) => string>> = {
  credentials: credentialScope,
  personal_credentials: personalCredentialScope,
  workspace_settings: workspaceSettingScope,
  account_providers: providerScope,
  connected_accounts: accountScope,
  account_revocations: accountScope,
  notice_channels: noticeScope,
}
