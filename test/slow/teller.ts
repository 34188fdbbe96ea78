import { serverPackage, toolsNamed } from '../support/server-package.ts'

/** Tells which token it was given. */
export const TELLER = serverPackage('teller-mcp', {
  answers: `
  'tools/list': ${toolsNamed('token')},
  'tools/call': () => ({ content: [{ type: 'text', text: String(process.env.API_TOKEN) }] }),
`,
})
