import { api } from './client.ts'

type Json = Record<string, unknown>

/** Whether this browser has passkeys, under this address: WebAuthn knows names only, not IP addresses. */
export function hasPasskeys(): boolean {
  return (
    typeof PublicKeyCredential === 'function' &&
    'parseCreationOptionsFromJSON' in PublicKeyCredential &&
    !/^[\d.]+$|^\[/.test(location.hostname)
  )
}

/** Has the browser make a passkey, and adds it. */
export async function addPasskey(name: string, password: string | undefined): Promise<void> {
  const { options } = await api.call('startPasskey', { body: password === undefined ? {} : { password } })
  const credential = await navigator.credentials.create({
    publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(
      // The server made them after the same specification.
      options as unknown as PublicKeyCredentialCreationOptionsJSON,
    ),
  })
  await api.call('addPasskey', { body: { name, response: toJson(credential) } })
}

/** Signs in by a passkey that the person chooses. */
export async function signInByPasskey(): Promise<void> {
  const { options } = await api.call('startPasskeySignIn', {})
  const credential = await navigator.credentials.get({
    publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(
      // The server made them after the same specification.
      options as unknown as PublicKeyCredentialRequestOptionsJSON,
    ),
  })
  await api.call('finishPasskeySignIn', { body: { response: toJson(credential) } })
}

/** Whether somebody closed the browser's own dialog. */
export function isCancelled(error: unknown): boolean {
  return error instanceof DOMException && (error.name === 'NotAllowedError' || error.name === 'AbortError')
}

function toJson(credential: Credential | null): Json {
  if (!(credential instanceof PublicKeyCredential)) throw new Error('The browser gave no passkey.')
  return { ...credential.toJSON() }
}
