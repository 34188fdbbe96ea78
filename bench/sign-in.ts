import { connect } from '../test/oauth/house.ts'
import type { Program } from '../test/support/program.ts'

/** Makes the owner of a fresh program and signs them in to an endpoint, as a client does. Returns the access token. */
export async function signIn({ origin, setUpLink }: Program, endpoint: string): Promise<string> {
  const token = new URLSearchParams(new URL(setUpLink ?? '').hash.slice(1)).get('token')
  const owner = { name: 'Bench', email: 'bench@example.com', password: 'a long enough password' }
  const made = await fetch(`${origin}/api/v1/setup`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin },
    body: JSON.stringify({ token, ...owner }),
  })
  if (!made.ok) throw new Error(`The owner was not made: ${made.status} ${await made.text()}`)
  const cookie = made.headers
    .getSetCookie()
    .map((text) => text.split(';')[0])
    .join('; ')
  const slug = new URL(endpoint).pathname.split('/').at(-1) ?? ''
  return (await connect({ origin }, { id: '', slug, endpoint }, { cookie })).access
}
