import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { queries } from '../../src/db/index.ts'
import { newId } from '../../src/domain/index.ts'
import * as services from '../../src/services/index.ts'
import { createWorld, type World } from '../reconciler/world.ts'
import { catwalkErrorOf } from '../support/errors.ts'

let world: World
let stranger: services.ServiceContext
let first: string
let second: string

beforeAll(async () => {
  world = await createWorld()
  first = await world.deploy()
  second = await world.deploy()
  const workspaceId = newId('workspace')
  await world.ctx.db
    .insertInto('workspaces')
    .values({ id: workspaceId, name: 'Other', personal: false })
    .execute()
  stranger = { ...world.ctx, actor: { ...world.ctx.actor, workspaceId } }
})
afterAll(() => world[Symbol.asyncDispose]())

const create = (name: string, rest: object = {}, ctx = world.ctx) =>
  services.createCollection(ctx, {
    body: { name, members: [], listing: 'auto', searchOver: 60, tokenName: 'first', ...rest },
  })
const routeOf = async (id: string) => (await queries.loadRoutes(world.ctx.db, id))[0]

test('a collection is a route with its members in order, and a token of its own', async () => {
  const members = [{ deployment: second, prefix: 'two' }, { deployment: first }]
  const { collection, token } = await create('Both', { members })
  expect(collection).toMatchObject({ slug: 'both', listing: 'auto', access: 'token' })
  expect(collection.members.map(({ prefix }) => prefix)).toEqual(['two', 'some'])
  const route = await routeOf(collection.id)
  expect(route?.collection?.members).toEqual([
    { deployment_id: second, prefix: 'two' },
    { deployment_id: first, prefix: 'some' },
  ])
  expect(route?.tokens.map(({ hash }) => hash)).toEqual([
    createHash('sha256').update(token.secret).digest('hex'),
  ])
  expect((await routeOf(first))?.collection).toBe(null)
})

test('slugs are shared with deployments', async () => {
  const { slug } = await services.getDeployment(world.ctx, { params: { id: first } })
  expect(await catwalkErrorOf(create('X', { slug }))).toMatchObject({ code: 'slug_taken' })
  const { collection } = await create(slug)
  expect(collection.slug).not.toBe(slug)
})

test('members come, go and get another prefix; two never have the same one', async () => {
  const { collection } = await create('Changing', { members: [{ deployment: first, prefix: 'a' }] })
  const params = { id: collection.slug }
  const add = (deployment: string, prefix?: string) =>
    services.addCollectionMember(world.ctx, {
      params,
      body: { deployment, ...(prefix === undefined ? {} : { prefix }) },
    })
  expect(await catwalkErrorOf(add(second, 'A'))).toMatchObject({ code: 'prefix_taken' })
  expect(await catwalkErrorOf(add(second, 'a_b'))).toMatchObject({ code: 'prefix_invalid' })
  const prefixes = (await add(second, 'b')).members.map(({ prefix }) => prefix)
  expect(prefixes).toEqual(['a', 'b'])
  expect((await add(first, 'c')).members.map(({ prefix }) => prefix)).toEqual(['c', 'b'])
  const left = await services.removeCollectionMember(world.ctx, {
    params: { ...params, deploymentId: first },
  })
  expect(left.members.map(({ prefix }) => prefix)).toEqual(['b'])
  const again = services.removeCollectionMember(world.ctx, { params: { ...params, deploymentId: first } })
  expect(await catwalkErrorOf(again)).toMatchObject({ code: 'not_in_collection' })
})

test('another workspace’s collection is not there, nor can its deployments join', async () => {
  const { collection } = await create('Ours')
  const params = { id: collection.id }
  for (const asked of [
    () => services.getCollection(stranger, { params }),
    () => services.changeCollection(stranger, { params, body: { name: 'Theirs' } }),
    () => services.deleteCollection(stranger, { params }),
    () => services.addCollectionMember(stranger, { params, body: { deployment: first } }),
  ]) {
    expect(await catwalkErrorOf(asked())).toMatchObject({ code: 'collection_not_found' })
  }
  for (const asked of [
    () => services.listTokens(stranger, { params }),
    () => create('Theirs', { members: [{ deployment: first }] }, stranger),
  ]) {
    expect(await catwalkErrorOf(asked())).toMatchObject({ code: 'deployment_not_found' })
  }
  expect(await services.listCollections(stranger)).toEqual({ items: [] })
})

test('what is done to deployments cannot be done to a collection, nor is it among them', async () => {
  const { collection } = await create('Apart')
  const params = { id: collection.slug }
  for (const asked of [
    () => services.stopDeployment(world.ctx, { params }),
    () => services.deleteDeployment(world.ctx, { params }),
    () => services.getDeployment(world.ctx, { params }),
    () => services.getSettings(world.ctx, { params }),
    () => services.exportDeployment(world.ctx, { params }),
    () => services.addCollectionMember(world.ctx, { params, body: { deployment: collection.id } }),
  ]) {
    expect(await catwalkErrorOf(asked())).toMatchObject({ code: 'deployment_not_found' })
  }
  const { items } = await services.listDeployments(world.ctx)
  expect(items.map(({ id }) => id).toSorted()).toEqual([first, second].toSorted())
})

test('its tokens are made, listed and revoked like those of a deployment', async () => {
  const { collection } = await create('Tokens')
  const params = { id: collection.slug }
  const made = await services.createToken(world.ctx, {
    params,
    body: { name: 'phone', scope: 'read', expiresInDays: null },
  })
  await services.revokeToken(world.ctx, { params: { ...params, tokenId: made.id } })
  const { items } = await services.listTokens(world.ctx, { params })
  expect(items.map(({ name }) => name)).toEqual(['first'])
})

test('a change keeps what is left out, and a deleted one takes its route and tokens along, not its members', async () => {
  const { collection } = await create('Gone', { members: [{ deployment: first }], searchOver: 5 })
  const params = { id: collection.id }
  const changed = await services.changeCollection(world.ctx, {
    params,
    body: { access: 'both', listing: 'search' },
  })
  expect(changed).toMatchObject({ name: 'Gone', access: 'both', listing: 'search', searchOver: 5 })
  expect(changed.members).toHaveLength(1)
  await services.deleteCollection(world.ctx, { params })
  expect(await routeOf(collection.id)).toBe(undefined)
  expect(await services.getDeployment(world.ctx, { params: { id: first } })).toMatchObject({ id: first })
})
