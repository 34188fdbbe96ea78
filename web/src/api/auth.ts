import { ApiError, schemas } from './client.ts'

/**
 * Signs in by cookie, or tells that a one-time code is still needed.
 * @throws ApiError `invalid_credentials`, `rate_limited` or what else the server tells
 */
export async function signIn(email: string, password: string): Promise<'signed in' | 'code needed'> {
  const answer = await post('/api/auth/sign-in/email', { email, password })
  const waits = typeof answer === 'object' && answer !== null && 'twoFactorRedirect' in answer
  return waits ? 'code needed' : 'signed in'
}

export async function signOut(): Promise<void> {
  await post('/api/auth/sign-out', {})
}

// The accounts part is not described by the contract and may answer in its own shape.
async function post(path: string, body: object): Promise<unknown> {
  const response = await fetch(path, {
    method: 'POST',
    headers: { accept: 'application/json', 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const answer: unknown = await response.json().catch(() => null)
  if (response.ok) return answer
  const told = schemas.ErrorBody.safeParse(answer)
  throw new ApiError(response.status, told.success ? told.data : ownWords(response.status))
}

function ownWords(status: number): ApiError['body'] {
  switch (status) {
    case 400:
    case 401:
      return words('invalid_credentials', 'Wrong email or password.', 'Check both and try again.')
    case 429:
      return words('rate_limited', 'Too many attempts.', 'Wait a minute, then try again.')
    default:
      return words('internal', `The server answered with status ${status}.`, 'Try again in a moment.')
  }
}

function words(error: string, message: string, help: string): ApiError['body'] {
  return { error, message, help, docs: `/docs/troubleshooting#${error.replaceAll('_', '-')}` }
}
