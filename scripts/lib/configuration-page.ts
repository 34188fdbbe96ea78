import { settings, type Setting } from '../../src/config/index.ts'
import { replaceGeneratedPart } from './generated-part.ts'

const PAGE = new URL('../../docs/configuration.md', import.meta.url)

export function generateConfigurationPage(options: { check: boolean }): Promise<boolean> {
  return replaceGeneratedPart(PAGE, configurationTable(settings), options)
}

/** A Markdown table of all settings. */
function configurationTable(all: readonly Setting[]): string {
  const rows = all.map((setting) => [
    `\`${setting.name}\``,
    setting.flag === null ? '' : `\`--${setting.flag}\``,
    setting.description,
    defaultCell(setting),
    `\`${setting.example}\``,
  ])
  const head = ['Variable', 'Flag', 'What it does', 'Default', 'Example']
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function defaultCell({ default: value }: Setting): string {
  if (value === null) return ''
  // A default in words has its code marked already.
  return /[ `]/.test(value) ? value : `\`${value}\``
}
