import { expect, test } from 'vitest'
import { createMetrics } from './index.ts'

test('events show up with their labels, durations in seconds', async () => {
  const metrics = createMetrics()
  metrics.httpRequest({ method: 'GET', route: '/deployments/{id}', status: 200, durationMs: 20 })
  metrics.mcpCall({ outcome: 'ok', durationMs: 3 })
  metrics.reconcilerStep({ step: 'installing', outcome: 'done', durationMs: 4000 })
  metrics.instanceEnded({ reason: 'exited' })
  const { body, contentType } = await metrics.render()
  expect(contentType).toContain('text/plain')
  expect(body).toContain(
    'catwalk_http_request_duration_seconds_sum{method="GET",route="/deployments/{id}",status="200"} 0.02',
  )
  expect(body).toContain('catwalk_mcp_call_duration_seconds_count{outcome="ok"} 1')
  expect(body).toContain('catwalk_reconciler_step_duration_seconds_sum{step="installing",outcome="done"} 4')
  expect(body).toContain('catwalk_instances_ended_total{reason="exited"} 1')
  expect(body).toContain('nodejs_eventloop_lag_seconds')
})

test('a state that no deployment is in any more loses its count', async () => {
  const metrics = createMetrics()
  metrics.countWith(() =>
    Promise.resolve({ deployments: { running: 2, failed: 1 }, instances: 2, stores: [] }),
  )
  expect((await metrics.render()).body).toContain('catwalk_deployments{state="failed"} 1')
  const store = { kind: 'local', storeMiB: 2, storeLimitMiB: 10, evicted: 1 } as const
  metrics.countWith(() => Promise.resolve({ deployments: { running: 3 }, instances: 3, stores: [store] }))
  const { body } = await metrics.render()
  expect(body).toContain('catwalk_deployments{state="running"} 3')
  expect(body).not.toContain('state="failed"')
  expect(body).toContain('catwalk_store_bytes{runtime="local"} 2097152')
  expect(body).toContain('catwalk_store_evicted{runtime="local"} 1')
})

test('two sets of metrics do not share counts', async () => {
  createMetrics().instanceEnded({ reason: 'stopped' })
  expect((await createMetrics().render()).body).not.toContain('reason="stopped"')
})
