import type { queries } from '../../db/index.ts'
import { Secret, webhookSecret, type NoticeAddress } from '../../domain/index.ts'
import type { Vault } from '../../vault/index.ts'

const SECRET_BYTES = 32

/** The name under which an address is encrypted, so that its ciphertext opens nowhere else. */
export function noticeScope(id: string): string {
  return `notice-channel/${id}`
}

/** @throws CatwalkError `credential_unreadable` */
export function noticeAddress(vault: Vault, row: queries.NoticeChannelRow): NoticeAddress {
  return {
    kind: row.kind,
    address: vault.decrypt(noticeScope(row.id), row.token, row.key_id),
    secret: signingSecret(vault, row.id, row.secret_version),
  }
}

/** Made from the installation's root secret, so that it is kept nowhere. */
export function signingSecret(vault: Vault, id: string, version: number): Secret {
  return new Secret(webhookSecret(vault.derive(`notice-channel/${id}/${version}`, SECRET_BYTES)))
}
