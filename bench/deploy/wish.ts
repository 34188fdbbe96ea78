import type { RouteInput, RouteOutput } from '../../src/contract/index.ts'
import type { CorpusServer } from '../corpus.ts'

type Analysis = RouteOutput<'createAnalysis'>
type Wish = RouteInput<'createDeployment'>['body']

/** A client key of Google's form, which is what servers with a key file want to see. */
const KEY_FILE = JSON.stringify({
  installed: {
    client_id: 'placeholder.apps.googleusercontent.com',
    client_secret: 'placeholder',
    redirect_uris: ['http://localhost:3000/oauth2callback'],
  },
})

/** By hand it ran in another home. */
const here = (text: string): string => text.replaceAll(/\/home\/u(?:\/data)?(?=\/|$)/g, '/home/server')

/** A placeholder that is a path outside the home stands for a file that the user hands in. */
const isFile = (value: string): boolean => /^\/(?!home\/)/.test(value)

/**
 * What a person who read its documentation would hand in to deploy what was analysed: the placeholders with which it
 * ran by hand, without the words that the analysis starts it with anyway. Nothing else of what is known of it.
 */
export function wishOf(server: CorpusServer, analysis: Analysis): Wish {
  const given = Object.entries(server.dummy?.env ?? {})
  return {
    analysisId: analysis.id,
    variables: Object.fromEntries(
      given.filter(([, value]) => !isFile(value)).map(([name, value]) => [name, here(value)]),
    ),
    files: Object.fromEntries(given.filter(([, value]) => isFile(value)).map(([name]) => [name, KEY_FILE])),
    args: withoutStart((server.dummy?.args ?? []).map(here), analysis.launch?.args ?? []),
    // By hand it had none.
    network: 'none',
    allowScripts: server.bestRun === 'scripts',
    confirmWarnings: analysis.verdict !== 'not_a_server',
  }
}

/** Each word of `start` once less. */
function withoutStart(words: readonly string[], start: readonly string[]): string[] {
  const rest = [...words]
  for (const word of start) {
    const index = rest.indexOf(word)
    if (index !== -1) rest.splice(index, 1)
  }
  return rest
}
