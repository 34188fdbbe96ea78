/** What a person who started the program needs to know. */
export interface Welcome {
  readonly version: string
  readonly publicUrl: string
  /** Null once there is an owner. */
  readonly setUpLink: string | null
  /** Why no server can run here, with the fix; null when all is well. */
  readonly sandboxProblem: string | null
  readonly unsandboxed: boolean
}

/** The lines that are printed when everything is up. */
export function welcomeText(welcome: Welcome): string {
  const { version, publicUrl, setUpLink, sandboxProblem, unsandboxed } = welcome
  return [
    `Catwalk ${version} is running. Stop it with Ctrl+C.`,
    `Dashboard:   ${publicUrl}`,
    ...(setUpLink === null
      ? []
      : [`Set-up link: ${setUpLink}`, '             It makes the owner account: once, within 30 minutes.']),
    ...(sandboxProblem === null ? [] : [`No server can run here yet. ${sandboxProblem}`]),
    ...(unsandboxed
      ? ['Servers run WITHOUT a sandbox: any of them can read every secret of this machine.']
      : []),
    '',
  ].join('\n')
}
