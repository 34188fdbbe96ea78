import { expect, test } from 'vitest'
import { templateFit } from './owners.ts'

test.each([
  ['file:///{path}', 'file:///a/b', 8],
  ['note://{id}/text', 'note://7/text', 7],
  ['note://{id}/{part}/x', 'note://7/text/x', 7],
  ['note://all', 'note://all', 10],
  ['db://{+table}{?limit}', 'db://users?limit=1', 5],
])('%s fits %s', (template, uri, letters) => {
  expect(templateFit(template, uri)).toBe(letters)
})

test.each([
  ['note://{id}/text', 'note://7/data'],
  ['note://{id}/text', 'nota://7/text'],
  ['note://{a}/x/{b}/y', 'note://1/z/2/y'],
  ['note://{id}text', 'note://text'.slice(0, 8)],
  ['note://all', 'note://all/of/them'],
])('%s does not fit %s', (template, uri) => {
  expect(templateFit(template, uri)).toBe(null)
})
