import { useLocation, useNavigate } from '@tanstack/react-router'
import { useEffect, useState } from 'react'

/** Tokens of links that were opened, by the room they lead to. In memory, so that one can sign in in between. */
const opened = new Map<string, string>()

/**
 * The token of the link that was opened. It stands in the fragment, which is never sent to a server, and is taken out
 * of the address at once so that it stays in no history.
 */
export function useLinkToken(room: '/setup' | '/join' | '/reset-password' | '/verify-email'): string | null {
  const inAddress = tokenOf(useLocation({ select: (location) => location.hash }))
  const navigate = useNavigate()
  const [token, setToken] = useState(inAddress ?? opened.get(room) ?? null)
  // A second link opened in the same tab changes the fragment only.
  if (inAddress !== null && inAddress !== token) setToken(inAddress)
  useEffect(() => {
    if (inAddress === null) return
    opened.set(room, inAddress)
    void navigate({ to: room, hash: '', replace: true })
  }, [inAddress, navigate, room])
  return token
}

/** After it was used. */
export function forgetLinkToken(room: '/join' | '/reset-password' | '/verify-email'): void {
  opened.delete(room)
}

function tokenOf(hash: string): string | null {
  return new URLSearchParams(hash.replace(/^#/, '')).get('token') || null
}
