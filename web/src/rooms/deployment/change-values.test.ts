import { expect, test } from 'vitest'
import type { Release } from '../../api/client.ts'
import { toChange, valuesOf } from './change-values.ts'

const release: Release = {
  id: 'rel_1',
  number: 1,
  state: 'live',
  package: { kind: 'npm', name: 'echo-mcp', version: '1.0.0', integrity: 'sha512-x' },
  args: ['stdio', '--region', 'eu'],
  userArgs: ['--region', 'eu'],
  variables: [
    { name: 'TOKEN', hasValue: true, personal: false, account: null },
    { name: 'OLD', hasValue: true, personal: false, account: null },
  ],
  network: 'internet',
  memoryMiB: 512,
  runtime: 'local',
  createdAt: '2026-01-01T00:00:00Z',
  liveAt: null,
  error: null,
}

test('a form that was left alone is no change', () => {
  expect(toChange(release, valuesOf(release))).toBeNull()
})

test('a change holds what differs and nothing else: empty values stay, removed ones are null', () => {
  const values = valuesOf(release)
  const [token, old] = values.kept
  expect(
    toChange(release, {
      ...values,
      kept: [
        {
          name: 'TOKEN',
          value: '',
          removed: false,
          personal: false,
          account: '',
          ...(token === undefined ? {} : { value: token.value }),
        },
        { name: 'OLD', value: old?.value ?? '', removed: true, personal: false, account: '' },
      ],
      added: [
        { name: ' NEW ', value: 'x', personal: false, account: '' },
        { name: '', value: '', personal: false, account: '' },
      ],
      args: '--region\nus\n',
      memoryMiB: '256',
    }),
  ).toEqual({ variables: { OLD: null, NEW: 'x' }, args: ['--region', 'us'], memoryMiB: 256 })
})

test('what each member brings is sent as a whole, and only when it is another', () => {
  const values = valuesOf(release)
  const kept = values.kept.map((row) =>
    row.name === 'TOKEN' ? { ...row, personal: true, account: '' } : row,
  )
  expect(toChange(release, { ...values, kept })).toEqual({ personal: ['TOKEN'] })
  const added = [{ name: 'OWN', value: '', personal: true, account: '' }]
  expect(toChange(release, { ...values, kept, added })).toEqual({ personal: ['TOKEN', 'OWN'] })
})

test('a variable that comes from an account is named with its provider, and sends no value', () => {
  const values = valuesOf(release)
  const kept = values.kept.map((row) =>
    row.name === 'TOKEN' ? { ...row, account: 'prov_1', value: 'left over' } : row,
  )
  expect(toChange(release, { ...values, kept })).toEqual({ accounts: { TOKEN: { provider: 'prov_1' } } })
  const connected = {
    ...release,
    variables: release.variables.map((variable) => ({
      ...variable,
      account: variable.name === 'TOKEN' ? { provider: 'prov_1', template: 'Bearer {token}' } : null,
    })),
  }
  expect(toChange(connected, valuesOf(connected))).toBeNull()
  const added = [{ name: 'OTHER', value: '', personal: false, account: 'prov_2' }]
  expect(toChange(connected, { ...valuesOf(connected), added })).toEqual({
    accounts: {
      TOKEN: { provider: 'prov_1', template: 'Bearer {token}' },
      OTHER: { provider: 'prov_2' },
    },
  })
})
