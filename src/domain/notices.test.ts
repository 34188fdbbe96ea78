import { expect, test } from 'vitest'
import {
  noticeBody,
  noticeOf,
  noticeWaitSeconds,
  shownAddress,
  webhookHeaders,
  webhookSecret,
} from './notices.ts'
import { Secret } from './secret.ts'

test('a webhook is signed as Standard Webhooks has it', () => {
  // The example of the specification's reference libraries.
  const secret = new Secret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')
  const body = '{"test": 2432232314}'
  const headers = webhookHeaders(secret, 'msg_p5jXN8AQM9LWM0D4loKWxJek', new Date(1_614_265_330_000), body)
  expect(headers).toEqual({
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  })
  expect(webhookSecret(Buffer.alloc(24))).toBe(`whsec_${'A'.repeat(32)}`)
})

test('what is given up, unhealthy, changed or newer is told, and what goes well is not', () => {
  expect(noticeOf('release.state', { state: 'failed' })).toBe('failed')
  expect(noticeOf('release.state', { state: 'live' })).toBeNull()
  expect(noticeOf('instance.ended', { failures: 1 })).toBeNull()
  expect(noticeOf('instance.ended', { failures: 10, isLast: true })).toBe('failed')
  expect(noticeOf('instance.ended', { failures: 1, wasSilent: true })).toBe('unhealthy')
  expect(noticeOf('tools.sighted', { stopped: 0 })).toBeNull()
  expect(noticeOf('tools.sighted', { stopped: 2 })).toBe('tool_changed')
  expect(noticeOf('update.found', { version: '2.0.0' })).toBe('update_available')
  expect(noticeOf('account.broken', {})).toBe('account_broken')
})

test('a delivery is tried again after longer and longer waits, and given up in the end', () => {
  const waits = Array.from({ length: 10 }, (_, index) => noticeWaitSeconds(index + 1, 0.5))
  expect(waits.at(-1)).toBeNull()
  const numbers = waits.slice(0, -1).map(Number)
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
  expect(numbers[0]).toBe(5)
})

test('of an address nothing is shown that may be its secret', () => {
  expect(shownAddress('webhook', 'https://hooks.example.com/services/T0/B0/secret?x=y')).toBe(
    'https://hooks.example.com/…',
  )
  expect(shownAddress('mail', 'ana@example.com')).toBe('ana@example.com')
})

test('the body names the deployment and leads to it', () => {
  const body: unknown = JSON.parse(
    noticeBody(
      {
        id: 'ntc_1',
        at: new Date(0),
        kind: 'update_available',
        workspace: 'Fjordworks',
        deployment: { id: 'dep_1', slug: 'files', name: 'Files' },
        message: 'Version 2.0.0 is available.',
      },
      'https://catwalk.example',
    ),
  )
  expect(body).toMatchObject({
    type: 'deployment.update_available',
    timestamp: '1970-01-01T00:00:00.000Z',
    data: { title: 'Files has an update', url: 'https://catwalk.example/deployments/files' },
  })
})
