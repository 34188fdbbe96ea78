import { expect, test } from 'vitest'
import { parseEnvFile } from './env-file.ts'

const read = (text: string) => Object.fromEntries(parseEnvFile(text).variables.map((v) => [v.name, v.value]))

test('plain, exported and spaced assignments are read', () => {
  expect(read('A=1\nexport B=two\n  C = three \n')).toEqual({ A: '1', B: 'two', C: 'three' })
})

test('comments and empty lines are skipped, also after a value', () => {
  expect(read('# head\n\nA=1 # tail\nB="x # y" # tail\nC=a#b')).toEqual({ A: '1', B: 'x # y', C: 'a#b' })
})

test('single quotes are verbatim, double quotes know escapes', () => {
  expect(read(`A='a\\n$b'\nB="a\\n\\"q\\" \\\\ $b"`)).toEqual({ A: 'a\\n$b', B: 'a\n"q" \\ $b' })
})

test('a quoted value goes over several lines, as private keys do', () => {
  const key = '-----BEGIN KEY-----\nabc\n-----END KEY-----'
  expect(read(`KEY="${key}"\nAFTER=1`)).toEqual({ KEY: key, AFTER: '1' })
})

test('the last of two values wins', () => {
  expect(read('A=1\nA=2')).toEqual({ A: '2' })
})

test('empty values are kept, so that the form can ask for them', () => {
  expect(read('A=\nB=""')).toEqual({ A: '', B: '' })
})

test('what cannot be read is named by its line, and nothing else is lost', () => {
  expect(parseEnvFile('A=1\nnot an assignment\n1X=2\nB="never ends\nC=3')).toEqual({
    variables: [
      { name: 'A', value: '1' },
      { name: 'C', value: '3' },
    ],
    unread: [2, 3, 4],
  })
})

test('Windows line ends and a byte order mark do no harm', () => {
  expect(read('\uFEFFA=1\r\nB=2\r\n')).toEqual({ A: '1', B: '2' })
})
