import { expect, test } from 'vitest'
import { createSessionMemory } from '../../bridge/index.ts'
import { newId, Secret, type InstanceInput } from '../../domain/index.ts'
import { instanceDocument } from './document.ts'

test('a document holds all that the machine needs, and only the values that the release declares', () => {
  const input: InstanceInput = {
    instanceId: newId('instance'),
    workspaceId: newId('workspace'),
    deploymentId: newId('deployment'),
    releaseId: newId('release'),
    epoch: 3,
    slot: 1,
    spec: {
      package: { kind: 'npm', name: 'a', version: '1.0.0', integrity: 'sha512-x', executable: 'a' },
      args: ['--stdio'],
      variables: [],
      transport: { kind: 'stdio' },
    },
    settings: { network: 'internet', allowScripts: false, memoryMiB: 256 },
    lockFile: '{}',
    credentials: new Map([['KEY', new Secret('s3cret')]]),
    sealKey: Buffer.alloc(32, 7),
    sessions: createSessionMemory(() => new Date()),
    processes: 'auto',
    stateful: false,
    era: 'legacy',
    output: () => undefined,
  }
  const npm = {
    registry: 'https://registry.example/',
    origins: [],
    npmrc: '',
    certificates: null,
    extraCertificates: null,
  }
  const pypi = { url: 'https://index.example/simple/', origins: [], certificates: null }
  const { spec, settings, deploymentId, releaseId, instanceId } = input
  expect(JSON.parse(JSON.stringify(instanceDocument(input, { npm, pypi })))).toEqual({
    deploymentId,
    releaseId,
    instanceId,
    run: { kind: 'package', spec, settings, lockFile: '{}', prepareOnly: false, npm, pypi },
    credentials: { KEY: 's3cret' },
    sealKey: Buffer.alloc(32, 7).toString('base64url'),
    processes: 'auto',
    stateful: false,
    era: 'legacy',
    tools: null,
  })
})
