import { expect, test } from 'vitest'
import { CALL_TOOL, rankTools, SEARCH_TOOL, searchingTools, searchResult } from './search-tools.ts'

const tool = (name: string, description = '') => ({ name, description, inputSchema: { type: 'object' } })
const TOOLS = [
  tool('github_create_issue', 'Opens a new issue in a repository'),
  tool('github_list_issues', 'Lists issues'),
  tool('github_createPullRequest', 'Opens a pull request'),
  tool('weather_forecast', 'Tells the weather of the next days'),
  tool('notes_create', 'Writes a note'),
]
const found = (query: string) => rankTools(TOOLS, query).map(({ name }) => name)

test('what has the words in its name comes before what has them in its description', () => {
  expect(found('create issue')[0]).toBe('github_create_issue')
  expect(found('pull request')).toEqual(['github_createPullRequest'])
  expect(found('weather')[0]).toBe('weather_forecast')
})

test('a word that few have counts more than one that many have', () => {
  expect(found('github forecast')[0]).toBe('weather_forecast')
})

test('words are found whatever their case and form, and nothing else is', () => {
  expect(found('ISSUE')).toEqual(['github_create_issue', 'github_list_issues'])
  expect(found('xylophone')).toEqual([])
  expect(found('')).toEqual([])
})

test('the answer has what is needed to call, as text and as an object, and no more than asked for', () => {
  const result = searchResult(TOOLS, { query: 'github', limit: 2 })
  expect(result?.['structuredContent']).toMatchObject({
    tools: [{ name: 'github_create_issue', inputSchema: { type: 'object' } }, {}],
    of: 5,
  })
  const text = JSON.stringify(result?.['structuredContent'])
  expect(result?.['content']).toEqual([{ type: 'text', text }])
})

test('arguments that the schema does not allow are refused', () => {
  for (const given of [{}, { query: 1 }, { query: 'x', limit: 0 }, { query: 'x', limit: '3' }]) {
    expect(searchResult(TOOLS, given)).toBe(null)
  }
})

test('the two tools say of what they are', () => {
  const [search, call] = searchingTools(61, ['github', 'notes'])
  expect([search?.['name'], call?.['name']]).toEqual([SEARCH_TOOL, CALL_TOOL])
  expect(search?.['description']).toMatch(/61.*github, notes/)
})
