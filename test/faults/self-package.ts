import { serverPackage, toolsNamed } from '../support/server-package.ts'

/** Tells which process it is. */
export const SELF = serverPackage('self-mcp', {
  begin: 'const self = String(Math.random())',
  answers: `
  'tools/list': ${toolsNamed('whoami')},
  'tools/call': () => ({ content: [{ type: 'text', text: self }] }),
`,
})
