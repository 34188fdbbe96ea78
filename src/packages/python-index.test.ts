import { expect, test } from 'vitest'
import { loadPythonIndex } from './python-index.ts'

test('without any setting it is PyPI, with the host that its files are on', async () => {
  expect(await loadPythonIndex(null, {})).toEqual({
    url: 'https://pypi.org/simple/',
    origins: ['pypi.org:443', 'files.pythonhosted.org:443'],
    certificates: null,
  })
})

test("Catwalk's own setting comes before that of the host's pip", async () => {
  const environment = { PIP_INDEX_URL: 'https://mirror.example/simple' }
  expect((await loadPythonIndex(null, environment)).origins).toEqual(['mirror.example:443'])
  const own = await loadPythonIndex('http://user:word@127.0.0.1:4000/simple/', environment)
  expect(own).toMatchObject({ url: 'http://user:word@127.0.0.1:4000/simple/', origins: ['127.0.0.1:4000'] })
})
