import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '../../src/domain/index.ts'
import * as services from '../../src/services/index.ts'
import { createWorld, type World } from '../reconciler/world.ts'

let world: World
let id: string
let stranger: services.ServiceContext & { lastEventId: null }

beforeAll(async () => {
  world = await createWorld()
  id = await world.deploy()
  const workspaceId = newId('workspace')
  await world.ctx.db.insertInto('workspaces').values({ id: workspaceId, name: 'Other' }).execute()
  stranger = { ...world.ctx, lastEventId: null, actor: { ...world.ctx.actor, id: 'user_other', workspaceId } }
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
})

const params = (): { params: { id: string } } => ({ params: { id } })
const query = { after: undefined, limit: 10 }

const USES: Readonly<Record<string, () => Promise<unknown>>> = {
  getDeployment: () => services.getDeployment(stranger, params()),
  stopDeployment: () => services.stopDeployment(stranger, params()),
  startDeployment: () => services.startDeployment(stranger, params()),
  restartDeployment: () => services.restartDeployment(stranger, params()),
  deleteDeployment: () => services.deleteDeployment(stranger, params()),
  listReleases: () => services.listReleases(stranger, params()),
  createRelease: () => services.createRelease(stranger, { ...params(), body: { variables: {}, from: 1 } }),
  compareReleases: () =>
    services.compareReleases(stranger, { params: { id, number: '1' }, query: { since: 1 } }),
  getUpdate: () => services.getUpdate(stranger, params()),
  checkUpdate: () => services.checkUpdate(stranger, params()),
  skipUpdate: () => services.skipUpdate(stranger, { ...params(), body: { version: null } }),
  getCatalogue: () => services.getCatalogue(stranger, params()),
  callTool: () => services.callTool(stranger, { ...params(), body: { tool: 'echo', arguments: {} } }),
  listEvents: () => services.listEvents(stranger, { ...params(), query }),
  listLogs: () => services.listLogs(stranger, { ...params(), query }),
  streamFeed: () => services.streamFeed(stranger, params()),
  listTokens: () => services.listTokens(stranger, params()),
  createToken: () =>
    services.createToken(stranger, { ...params(), body: { name: 'x', scope: 'full', expiresInDays: null } }),
  rotateToken: () =>
    services.rotateToken(stranger, { params: { id, tokenId: 'first' }, body: { graceHours: 1 } }),
  revokeToken: () => services.revokeToken(stranger, { params: { id, tokenId: 'first' } }),
}

test.for(Object.keys(USES))("%s: another workspace's deployment does not exist", async (name) => {
  await expect(USES[name]?.()).rejects.toMatchObject({ code: 'deployment_not_found' })
})

test('nothing that a stranger tried has changed the deployment', async () => {
  expect(await services.listDeployments(stranger)).toEqual({ items: [] })
  expect((await services.getDeployment(world.ctx, params())).state).toBe('deploying')
  expect((await services.listTokens(world.ctx, params())).items).toHaveLength(1)
})
