import { describeError, docsPath, ERROR_CODES } from '../../src/domain/index.ts'
import { replaceGeneratedPart } from './generated-part.ts'

const PAGE = new URL('../../docs/troubleshooting.md', import.meta.url)

export function generateTroubleshootingPage(options: { check: boolean }): Promise<boolean> {
  return replaceGeneratedPart(PAGE, errorSections(), options)
}

/** A section per error code, each under the anchor that `docsPath` promises. */
export function errorSections(): string {
  return ERROR_CODES.map((code) => {
    const { status, title, help } = describeError(code)
    const anchor = docsPath(code).split('#')[1]
    // Headings are people's words, so the anchor stands before them by itself.
    return `<a id="${anchor}"></a>\n\n### ${title}\n\n\`${code}\`, HTTP status ${status}\n\n${help}`
  }).join('\n\n')
}
