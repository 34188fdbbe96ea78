import { typeid } from 'typeid-js'

/** Prefix of each kind of id. Ids sort by creation time (UUIDv7) and never change; slugs are for people. */
const PREFIX = {
  workspace: 'ws',
  workspaceSetting: 'wset',
  deployment: 'dep',
  collection: 'col',
  release: 'rel',
  instance: 'ins',
  credential: 'cred',
  personalCredential: 'pcred',
  accountProvider: 'prov',
  connectedAccount: 'acc',
  endpointToken: 'tok',
  apiKey: 'key',
  audit: 'aud',
  node: 'node',
  analysis: 'ana',
  request: 'req',
  user: 'user',
  invitation: 'inv',
  deviceLogin: 'dlg',
  connection: 'con',
  authorization: 'auz',
  oauthClient: 'cli',
  notice: 'ntc',
  noticeChannel: 'nch',
} as const

export type IdKind = keyof typeof PREFIX

/** A new id such as `dep_01jdxq3v8zf5s9w2m4k7n6c0ab`. */
export function newId(kind: IdKind): string {
  return typeid(PREFIX[kind]).toString()
}

/** Whether `value` has the form of an id of this kind (the thing may still not exist). */
export function isId(kind: IdKind, value: string): boolean {
  const prefix = `${PREFIX[kind]}_`
  return value.startsWith(prefix) && /^[0-7][0-9a-hjkmnp-tv-z]{25}$/.test(value.slice(prefix.length))
}
