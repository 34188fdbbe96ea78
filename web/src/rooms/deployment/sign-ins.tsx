import { Connections } from './connections.tsx'
import { HandMadeClients } from './hand-made-clients.tsx'
import { SignInCheckCard } from './sign-in-check.tsx'

/** All about signing in to an endpoint: who did, with which clients, and whether clients get that far. */
export function SignIns({ id }: { readonly id: string }) {
  return (
    <>
      <Connections id={id} />
      <SignInCheckCard id={id} />
      <HandMadeClients id={id} />
    </>
  )
}
