import { z } from 'zod'
import { AccessMode, ChangeEndpointSettings, CreateDeployment, NewEndpointToken } from './schemas.ts'
import type { Route } from './routes.ts'

const listing = z
  .enum(['auto', 'flat', 'search'])
  .describe(
    'How tools are offered. flat: all of them in the list. search: two tools, one that finds them and one that calls them. auto: search when there are more than searchOver',
  )
const searchOver = z.number().int().min(1).max(10_000)
const name = z.string().trim().min(1).max(80)
const deployment = z.string().min(1).max(64).describe('Id or slug')
const prefix = z
  .string()
  .max(64)
  .optional()
  .describe(
    'Stands before the names of its tools and prompts, with an underscore; default: made from its slug',
  )

const Collection = z
  .object({
    id: z.string(),
    slug: z.string(),
    name: z.string(),
    endpoint: z.url(),
    access: AccessMode,
    allowedOrigins: z.array(z.string()),
    listing,
    searchOver: z.number().int(),
    members: z
      .array(
        z.object({
          deploymentId: z.string(),
          slug: z.string(),
          name: z.string(),
          prefix: z.string(),
          toolCount: z.number().int().nullable().describe('null while no release of it was ever live'),
          promptCount: z.number().int().nullable(),
        }),
      )
      .describe('In the order in which they are listed'),
    toolCount: z.number().int(),
    searches: z.boolean().describe('Whether tools are found by searching, as its members are now'),
    warnings: z.array(z.string()).describe('What of its members cannot be reached through it, and why'),
    createdAt: z.iso.datetime(),
  })
  .describe('One endpoint for several deployments')
  .meta({ id: 'Collection' })

const MemberWish = z.strictObject({ deployment, prefix })

const CreateCollection = z
  .strictObject({
    name,
    slug: CreateDeployment.shape.slug,
    members: z.array(MemberWish).max(50).default([]),
    listing: listing.default('auto'),
    searchOver: searchOver.default(60),
    tokenName: CreateDeployment.shape.tokenName,
  })
  .meta({ id: 'CreateCollection' })

const ChangeCollection = z
  .strictObject({
    name: name.optional(),
    listing: listing.optional(),
    searchOver: searchOver.optional(),
    access: AccessMode.optional(),
    allowedOrigins: ChangeEndpointSettings.shape.allowedOrigins,
  })
  .meta({ id: 'ChangeCollection' })

/** Routes of collections. Their tokens, connections and clients are under those of deployments, by id or slug. */
export const collectionRoutes = {
  listCollections: {
    method: 'get',
    path: '/collections',
    summary: 'All collections of the workspace, newest first',
    access: 'viewer',
    scope: 'deployments:read',
    status: 200,
    response: z.object({ items: z.array(Collection) }),
  },
  createCollection: {
    method: 'post',
    path: '/collections',
    summary: 'Make one endpoint for several deployments',
    access: 'member',
    scope: 'deployments:write',
    body: CreateCollection,
    status: 201,
    response: z.object({ collection: Collection, token: NewEndpointToken }).meta({ id: 'CreatedCollection' }),
  },
  getCollection: {
    method: 'get',
    path: '/collections/{id}',
    summary: 'One collection, by id or slug',
    access: 'viewer',
    scope: 'deployments:read',
    status: 200,
    response: Collection,
  },
  changeCollection: {
    method: 'post',
    path: '/collections/{id}',
    summary: 'Change a collection; what is left out stays',
    access: 'member',
    scope: 'deployments:write',
    body: ChangeCollection,
    status: 200,
    response: Collection,
  },
  deleteCollection: {
    method: 'delete',
    path: '/collections/{id}',
    summary: 'Delete a collection with its tokens and connections; its members stay',
    access: 'member',
    scope: 'deployments:write',
    status: 204,
    response: z.null(),
  },
  addCollectionMember: {
    method: 'post',
    path: '/collections/{id}/members',
    summary: 'Add a deployment, or change the prefix of one that is in it',
    access: 'member',
    scope: 'deployments:write',
    body: MemberWish,
    status: 200,
    response: Collection,
  },
  removeCollectionMember: {
    method: 'delete',
    path: '/collections/{id}/members/{deploymentId}',
    summary: 'Take a deployment out, by id or slug; it stays as it is',
    access: 'member',
    scope: 'deployments:write',
    status: 200,
    response: Collection,
  },
} as const satisfies Record<string, Route>
