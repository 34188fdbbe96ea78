import { describeError, ERROR_CODES } from '../../src/domain/index.ts'
import { replaceGeneratedPart } from './generated-part.ts'

const PAGE = new URL('../../docs/troubleshooting.md', import.meta.url)

export function generateTroubleshootingPage(options: { check: boolean }): Promise<boolean> {
  return replaceGeneratedPart(PAGE, errorSections(), options)
}

/** A section per error code. The dashboard makes a heading's anchor from the code in it, as `docsPath` links to it. */
export function errorSections(): string {
  return ERROR_CODES.map((code) => {
    const { status, title, help } = describeError(code)
    return `### \`${code}\`\n\n**${title}** (HTTP status ${status}). ${help}`
  }).join('\n\n')
}
