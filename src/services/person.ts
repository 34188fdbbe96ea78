import { queries } from '../db/index.ts'
import type { ServiceContext } from './context.ts'

/** The person on whose behalf something is done: the one who is signed in, or who made the API key. Null for the program. */
export async function personOf({ db, actor }: Pick<ServiceContext, 'db' | 'actor'>): Promise<string | null> {
  switch (actor.kind) {
    case 'user':
      return actor.id
    case 'api_key':
      return queries.personOfApiKey(db, actor.id)
    case 'system':
      return null
  }
}
